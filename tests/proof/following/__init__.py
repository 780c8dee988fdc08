"""Messages followed to their end by asking, counted."""
