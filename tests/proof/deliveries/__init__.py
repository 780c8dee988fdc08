"""
Deliveries to a receiver whose process is killed: nothing is lost, and nothing happens twice without a reason.

A driver plays the gateway: it hands callbacks to processes that have a real `Receiver`, some out of order, some twice,
and hands them on again until they are acknowledged. The processes kill themselves at named points, or are killed at any
moment; their stores and handlers fail now and then. What handlers get they write into a file, and the file is judged.
"""
