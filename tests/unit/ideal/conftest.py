from tests.unit.tiny import backbone, context, every_step_ends_a_slice

__all__ = ["backbone", "context", "every_step_ends_a_slice"]
