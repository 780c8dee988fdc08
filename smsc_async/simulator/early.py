"""An event that reaches the handler before the reply to the request that caused it leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from smsc_async.simulator.disturbance import Disturbance
from smsc_async.simulator.request import Request

if TYPE_CHECKING:
    from smsc_async.simulator.calls_back import Told
    from smsc_async.simulator.follows import Follows


class Early:
    """
    Carry the request out, let something happen that the handler is told of, and only then answer.

    ::

        simulator.faults.add(Fault(Early(simulator), action="wait_call"))  # the subscriber calls at once

    Args:
        simulator: Whose subscribers act.
        tell: What happens, of the request; by default the subscriber named by ``phone`` calls, or the last message of a
            send is delivered.
    """

    def __init__(self, simulator: Follows, tell: Callable[[Request], Told] | None = None) -> None:
        self._simulator = simulator
        self._tell: Callable[[Request], Told] = tell or self._happens

    def apply(self, disturbance: Disturbance) -> None:
        """Put it between the deed and the answer."""
        disturbance.meanwhile.append(self._happen)

    def _happens(self, request: Request) -> Told:
        if request.endpoint == "send.php":
            return self._simulator.operator_delivers_newest(login=request.params.get("login"))
        return self._simulator.subscriber_calls(request.phone)

    async def _happen(self, request: Request) -> None:
        await self._simulator.deliver_at_once(lambda: self._tell(request))
