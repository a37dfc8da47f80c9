"""Ideal image: drawing one, live, and what other networks say."""
