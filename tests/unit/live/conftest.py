from tests.unit.real_network import cat, context, lite0

__all__ = ["cat", "context", "lite0"]
