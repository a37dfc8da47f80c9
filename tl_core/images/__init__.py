"""Photographs: bytes in, uint8 RGB out; the sample gallery; what visitors have dropped."""
