"""
The journal of paid calls: a row is on the disk before a request may leave, and goes when its end is known and told.

At every instant a purchase is known to the journal or to its caller. Therefore a row outlives the answer: were it gone
before the value has reached the caller, a process killed between both would have paid for what nobody knows of. It is
struck a moment after the value was handed over, by a thread, so that nobody waits for that.
"""
