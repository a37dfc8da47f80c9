"""Fool it: an attack, live, and what it withstands."""
