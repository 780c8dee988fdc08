"""A zoo of wrong guards, verdicts and decoders: each is a mistake that somebody could make, and a test finds it."""
