from tests.unit.tiny import backbone, context

__all__ = ["backbone", "context"]
