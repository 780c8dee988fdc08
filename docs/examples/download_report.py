"""Save the files of the export tasks that are done."""

import asyncio

from smsc_async import Session


def show(done: int, total: int | None) -> None:
    """Print how far a file has come, in bytes."""
    print(f"\r{done} of {total or '?'} bytes", end="")


async def main() -> None:
    """Write one file for each task; a file appears only when it is complete."""
    async with Session.from_env() as smsc:
        for task in await smsc.downloads.list(limit=10):
            if task.is_done:
                path = await smsc.downloads.save(task.id, f"report-{task.id}.csv", progress=show, overwrite=True)
                print("\ntask", task.id, "is in", path)


if __name__ == "__main__":
    asyncio.run(main())
