"""Data sets: the catalogue, folders on disk, imports and visitors' uploads."""
