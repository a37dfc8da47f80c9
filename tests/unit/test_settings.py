import re
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tl_core import settings
from tl_core.backbones.catalogue import CATALOGUE
from tl_core.errors import UserError
from tl_core.settings import Settings, memory_limits

GB = 2**30
NUMBERS = [f"TL_{f.name.upper()}" for f in fields(Settings) if f.type in (bool, int, float)]
SHARES = {
    "upload_visit_mb",
    "visitor_memory_mb",
    "process_memory_mb",
    "pass_photos",
}  # of what others count


def test_variables_set_their_fields():
    found = Settings.from_env(
        {"TL_DATA_DIR": "/data", "TL_MAX_STEPS": "7", "TL_VISIT_RESUME_S": "1.5"}
    )
    assert found.data_dir == Path("/data")
    assert found.max_steps == 7
    assert found.visit_resume_s == 1.5


def test_weights_are_kept_where_torch_hub_keeps_them():
    found = Settings.from_env({"TORCH_HOME": "/cache"})
    assert found.weights_dir == Path("/cache/hub/checkpoints")


def test_the_cloud_profile_lowers_the_limits_and_a_variable_still_wins():
    cloud = Settings.from_env({"TL_PROFILE": "cloud", "TL_PHOTO_MEMORY_MB": "7"})
    assert cloud.network_memory_mb < Settings.from_env({"TL_PROFILE": "server"}).network_memory_mb
    assert cloud.photo_memory_mb == 7


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("TL_MAX_STEPS", "many", "from 1 to 1,000,000,000, got many."),
        ("TL_PROFILE", "huge", "auto, cloud or server"),
        ("TL_PRECISION", "fp64", "such as fp32, got fp64"),
        *(("TL_MIRROR", text, "such as http://") for text in ("ftp://x", "https:///lab")),
        *(("TL_CLUSTER", text, "such as ray://") for text in ("head", "ray://x")),
        *(("TL_DATA_DIR", __file__ + end, f"but {__file__} isn't one.") for end in ("", "/x")),
        *((name, text, ", got ") for name in NUMBERS for text in ("-1", "1e400", "nan")),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_in_a_sentence(variable, value, rule):
    with pytest.raises(UserError, match=f"^{variable} must be .*{re.escape(rule)}"):
        Settings.from_env({variable: value})


@pytest.fixture
def machine(monkeypatch):
    """Sets how much memory there is."""

    def has(memory_bytes: float, limit_bytes: float = float("inf")) -> None:
        memory = type("Memory", (), {"total": memory_bytes})
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
        monkeypatch.setattr(settings, "memory_limit_bytes", lambda: limit_bytes)

    return has


def test_a_container_with_less_than_4_gb_gets_the_cloud_profile(machine):
    machine(64 * GB, 2.7 * GB)
    assert Settings.from_env({}).profile == "cloud"
    machine(64 * GB, 4 * GB)
    assert Settings.from_env({}).profile == "server"


def test_community_cloud_gets_its_profile_whatever_memory_it_shows(machine, monkeypatch):
    machine(64 * GB)
    monkeypatch.setattr(settings, "__file__", "/mount/src/lab/tl_core/settings.py")
    assert Settings.from_env({}).profile == "cloud"


@pytest.mark.parametrize("memory_gb", [4, 5, 6, 8, 12, 16, 24])
def test_what_is_kept_leaves_a_quarter_of_the_memory_free(machine, memory_gb):
    machine(memory_gb * GB)
    found = Settings.from_env({})
    kept = sum(getattr(found, name) for name in memory_limits(0).keys() - SHARES)
    assert kept + settings._PROCESS_MB <= 0.75 * memory_gb * 1024 + len(
        memory_limits(0)
    )  # rounding


def test_more_memory_never_means_a_smaller_budget_and_ends_at_the_defaults():
    steps = [memory_limits(gb * GB) for gb in (0, 4, 6, 8, 12, 16, 24)]
    for less, more in pairwise(steps):
        assert all(less[name] <= more[name] for name in less)
    defaults = Settings(data_dir=Path(), weights_dir=Path())
    assert steps[-1] == {name: getattr(defaults, name) for name in steps[-1]}


def test_every_network_fits_from_6_gb_upwards():
    largest = max(row.needs_memory_mb for row in CATALOGUE)
    assert memory_limits(4 * GB)["network_memory_mb"] < largest
    assert memory_limits(6 * GB)["network_memory_mb"] >= largest
