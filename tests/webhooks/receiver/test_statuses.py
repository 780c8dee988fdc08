"""Who follows which message, where waits begin and end in some threads while callbacks come in others."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from smsc_async import MessageStatus
from smsc_async._status_watch import Following
from smsc_async.webhooks import DeliveryStatus, Signature
from smsc_async.webhooks._statuses import HeardStatuses

if TYPE_CHECKING:
    from collections.abc import Callable

    from smsc_async._status_watch import Message, State

MESSAGE = ("m1", "380671234567")


def status(message: Message = MESSAGE, value: MessageStatus = MessageStatus.HANDED_OVER) -> DeliveryStatus:
    """Give a callback about a message."""
    message_id, phone = message
    return DeliveryStatus(id=message_id, phone=phone, status=value, signature=Signature("sha1", "as received"))


class Meeting:
    """A lock that says when somebody stands before it, and fails where its holder would wait for itself."""

    def __init__(self) -> None:
        self.met = threading.Event()
        self._lock = threading.Lock()
        self._holder: int | None = None

    def __enter__(self) -> None:
        assert self._holder != threading.get_ident()
        if not self._lock.acquire(blocking=False):
            self.met.set()
            self._lock.acquire()
        self._holder = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._holder = None
        self._lock.release()


class Interrupted(list[Following]):
    """A list that lets another thread go when something is taken out of it."""

    def __init__(self, values: list[Following], others: Callable[[], None]) -> None:
        super().__init__(values)
        self._others = others

    def remove(self, value: Following) -> None:
        """Remove it, and let the other go."""
        super().remove(value)
        self._others()


@pytest.mark.anyio
async def test_a_wait_that_begins_as_another_ends_is_heard(anyio_backend: str) -> None:
    """Both follow the same message, each in a thread of its own; what one leaves is not taken from the other."""
    heard = HeardStatuses()
    lock: Any = Meeting()
    heard._lock = lock
    first, second = Following([MESSAGE]), Following([MESSAGE])
    threads: list[threading.Thread] = []
    with ExitStack() as later:

        def begin() -> None:
            later.enter_context(heard.expect(second))
            lock.met.set()

        def interrupt() -> None:
            threads.append(threading.Thread(target=begin))
            threads[0].start()
            assert lock.met.wait(10.0)  # it has begun, or stands before the lock

        with heard.expect(first):
            heard._followed[MESSAGE] = Interrupted(heard._followed[MESSAGE], interrupt)
        threads[0].join()
        heard.tell(status())
        assert (set(), {MESSAGE}) == (set(first.states), set(second.states))
    assert {} == heard._followed


@pytest.mark.anyio
async def test_who_leaves_when_told_takes_nothing_from_the_next(anyio_backend: str) -> None:
    """All who follow a message hear of it, also where the first ends its wait meanwhile."""
    heard = HeardStatuses()
    lock: Any = Meeting()
    heard._lock = lock
    waits = ExitStack()

    class Leaving(Following):
        def arrive(self, message: Message, state: State) -> None:
            super().arrive(message, state)
            waits.close()

    first, second = Leaving([MESSAGE]), Following([MESSAGE])
    waits.enter_context(heard.expect(first))
    with heard.expect(second):
        heard.tell(status())
        assert [{MESSAGE}, {MESSAGE}] == [set(each.states) for each in (first, second)]
    assert {} == heard._followed


@pytest.mark.anyio
async def test_threads_that_follow_and_tell_do_not_disturb_each_other(anyio_backend: str) -> None:
    """Each is told of its own message and of the common one, in every round."""
    heard = HeardStatuses()
    rounds = [[Following([MESSAGE, (f"m{thread}", "1")]) for _ in range(50)] for thread in range(2, 8)]
    missed: list[object] = []
    together = threading.Barrier(len(rounds))

    def follow(mine: list[Following]) -> None:
        together.wait()
        for following in mine:
            try:
                with heard.expect(following):
                    for message in following.messages:
                        heard.tell(status(message))
            except BaseException as error:  # noqa: BLE001 - a thread's errors are nobody's otherwise
                missed.append(error)
            missed.extend(set(following.messages) - set(following.states))

    threads = [threading.Thread(target=follow, args=(mine,)) for mine in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == missed
    assert {} == heard._followed
