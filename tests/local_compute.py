"""The compute of a lab in this process, for tests that look inside."""

from tl_core.lab import Lab
from tl_core.local.compute import LocalCompute


def local(lab: Lab) -> LocalCompute:
    """The compute of a lab whose jobs run in this process."""
    compute = lab._compute
    assert isinstance(compute, LocalCompute)
    return compute
