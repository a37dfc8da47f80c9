"""The Home page: what the lab can do, and the ways in."""
