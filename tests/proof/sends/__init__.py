"""
Messages sent by a process that is killed: none is sent twice, and none is lost.

A process keeps the id, the phone and the text of each message in a file before it sends it. Whatever it does not know
to be sent when it is begun again, it looks for with `messages.resolve`, and sends again, under the same id, only where
that says that it was not sent. The gateway is the simulator, in the driver's process: it outlives them all, loses
replies, refuses, is late, and its books are what the processes are judged by.
"""
