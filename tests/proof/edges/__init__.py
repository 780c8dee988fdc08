"""The client's edges proven: cancelled at every await, paid once through a cut at every byte, no secret let out."""
