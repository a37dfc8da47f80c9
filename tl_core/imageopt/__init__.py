"""imageopt."""
