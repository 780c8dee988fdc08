"""Clients that nobody here wrote, as they are, against the simulator: `nox -s foreign`."""
