"""Send each message of a queue once, whatever happens to this process: run it again after a crash, and it goes on."""

import asyncio
import sqlite3

from smsc_async import Session, errors, new_message_id

QUEUE = "queue.db"


def queue() -> sqlite3.Connection:
    """Open the queue; each message has its id before anybody sends it."""
    connection = sqlite3.connect(QUEUE, isolation_level=None)  # each statement is on the disk when it returns
    connection.execute("CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, phone, text, state DEFAULT 'new')")
    return connection


def put(connection: sqlite3.Connection, phone: str, text: str) -> None:
    """Put a message into the queue."""
    connection.execute("INSERT INTO messages (id, phone, text) VALUES (?, ?, ?)", (new_message_id(), phone, text))


async def work(smsc: Session, connection: sqlite3.Connection) -> None:
    """Send what is new, and look for what may have been sent when this process ended the last time."""
    rows = connection.execute("SELECT id, phone, text, state FROM messages WHERE state IN ('new', 'sending')")
    for message_id, phone, text, state in rows.fetchall():
        sent = await smsc.messages.resolve(message_id, phone) if state == "sending" else None
        if sent is None:
            connection.execute("UPDATE messages SET state = 'sending' WHERE id = ?", (message_id,))
            try:
                sent = await smsc.messages.send(phone, text, id=message_id)
            except errors.MessageOutcomeUnknown:
                print(message_id, "is unknown, and looked for the next time")
                continue
            except (errors.InvalidPhone, errors.MessageForbidden, errors.Undeliverable, errors.InvalidArgument) as no:
                connection.execute("UPDATE messages SET state = 'refused' WHERE id = ?", (message_id,))
                print(message_id, "cannot be sent:", no)
                continue
        connection.execute("UPDATE messages SET state = 'sent' WHERE id = ?", (message_id,))
        print("sent:", text)


async def main() -> None:
    """Work off the queue."""
    connection = queue()
    if not connection.execute("SELECT count(*) FROM messages").fetchone()[0]:
        put(connection, "380671234567", "first")
        put(connection, "380671234567", "second")
    async with Session.from_env() as smsc:
        await work(smsc, connection)
    connection.close()


if __name__ == "__main__":
    asyncio.run(main())
