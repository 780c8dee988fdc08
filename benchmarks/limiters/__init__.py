"""Limiters behind one interface: our guard, and those it is measured against; a module each, loading no other."""
