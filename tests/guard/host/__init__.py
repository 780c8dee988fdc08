"""The guard of one machine: steps, their file, and what several processes make of them."""
