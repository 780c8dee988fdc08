"""The only room that knows httpx: bytes to send become a reply or a failure, each on a connection of its own."""

from smsc_async._transport.credentials import Credentials
from smsc_async._transport.exchange import Transport
from smsc_async._transport.outcome import CutShort, Failure, Reply, Write
from smsc_async._transport.stream import Incoming

__all__ = ["Credentials", "CutShort", "Failure", "Incoming", "Reply", "Transport", "Write"]
