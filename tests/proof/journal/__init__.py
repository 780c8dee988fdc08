"""
Purchases of a process that is killed: each is known to its caller, or to the journal.

A process rents numbers and sends messages, and prints what it has got; it keeps no other notes. When it is begun again,
it asks the journal what was left open, finds out what became of that, and goes on. The gateway is the simulator, in the
driver's process: it outlives them all, loses replies, is late, takes every rent twice, and its books are what journal
and processes are judged by.
"""
