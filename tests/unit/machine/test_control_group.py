import pytest

from tl_core.machine import control_group
from tl_core.machine.control_group import cpu_quota, memory_limit_bytes

INFINITE = float("inf")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Writes which group this process is in, and the files of groups."""

    def write(own: str, files: dict[str, str]) -> None:
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    monkeypatch.setattr(control_group, "_MOUNT", tmp_path)
    monkeypatch.setattr(control_group, "_OWN", tmp_path / "own")
    return write


@pytest.mark.usefixtures("machine")
def test_without_control_groups_nothing_is_limited():
    assert memory_limit_bytes() == cpu_quota() == INFINITE


def test_a_container_sees_its_own_group_at_the_top(machine):
    machine("0::/", {"memory.max": "2000\n", "cpu.max": "350000 100000\n"})
    assert memory_limit_bytes() == 2000
    assert cpu_quota() == 3.5


def test_a_service_is_limited_by_its_own_group_and_by_those_above_it(machine):
    service = "system.slice/lab.service"
    machine(
        f"0::/{service}\n",
        {
            f"{service}/memory.max": "max\n",
            f"{service}/cpu.max": "max 100000\n",
            "system.slice/memory.max": "3000\n",
            "system.slice/cpu.max": "50000 100000\n",
        },
    )
    assert memory_limit_bytes() == 3000
    assert cpu_quota() == 0.5


def test_the_older_kind_of_control_group_counts_too(machine):
    machine(
        "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n",
        {
            "memory/memory.limit_in_bytes": "4000\n",  # all that the container sees of its group
            "cpu/docker/abc/cpu.cfs_quota_us": "200000\n",
            "cpu/docker/abc/cpu.cfs_period_us": "100000\n",
            "cpu/cpu.cfs_quota_us": "-1\n",
            "cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert memory_limit_bytes() == 4000
    assert cpu_quota() == 2
