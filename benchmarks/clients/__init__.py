"""HTTP clients that make the same call: ours, and those it is measured against; a module each, loading no other."""
