"""How long a step of several pictures takes, and how many a batch takes."""

_CPU_ROOM, _GPU_ROOM = 8, 32  # pictures by which a batch still becomes more efficient


def batch_room(*, on_cpu: bool) -> int:
    """How many pictures still make a batch more efficient."""
    return _CPU_ROOM if on_cpu else _GPU_ROOM


def step_times(count: int, *, on_cpu: bool) -> float:
    """How many times as long as with one picture a step takes with ``count``."""
    if on_cpu:
        return float(count / min(count, _CPU_ROOM) ** 0.25)
    return max(count / _GPU_ROOM, 1.0)
