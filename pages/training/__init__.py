"""Teach it: photographs, training live, and what came of it."""
