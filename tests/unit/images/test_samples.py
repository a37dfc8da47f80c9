"""The gallery: real photographs with true labels, read without importing heavy packages."""

import importlib.util
import subprocess
import sys

import pytest

from tl_core.errors import UserError
from tl_core.images import samples
from tl_core.images.decode import decode
from tl_core.images.samples import SAMPLES


def test_keys_and_labels_are_unique_and_say_sample():
    assert len({row.key for row in SAMPLES}) == len({row.label for row in SAMPLES}) == len(SAMPLES)
    assert all(row.key.startswith(samples.PREFIX) for row in SAMPLES)


def test_the_cat_comes_first_then_two_dogs_then_at_least_ten_others():
    kinds = [row.kind for row in SAMPLES]
    assert kinds[:3] == ["cat", "dog", "dog"]
    assert len(kinds) - 3 >= 10
    assert not {"cat", "dog"} & set(kinds[3:])


def test_most_photographs_have_companions_of_their_kind_and_none_is_the_kind_of_half():
    kinds = [row.kind for row in SAMPLES]
    assert sum(kinds.count(kind) > 1 for kind in kinds) >= 0.9 * len(kinds)
    assert max(kinds.count(kind) for kind in kinds) < len(kinds) / 2


@pytest.mark.parametrize("row", SAMPLES, ids=lambda row: row.key)
def test_every_sample_is_a_photograph_with_a_credit(row):
    assert min(decode(samples.read(row.key), max_pixels=2_000_000).size) >= 256
    assert row.credit


def test_the_true_class_is_the_one_in_the_file_name():
    for row in SAMPLES:
        assert (row.package == "foolbox") == (row.imagenet_class is not None)
        assert row.imagenet_class is None or row.path.endswith(f"_{row.imagenet_class}.jpg")


def test_reading_imports_no_heavy_package():
    script = (
        "import sys; from tl_core.images import samples;"
        "[samples.read(row.key) for row in samples.SAMPLES];"
        "sys.exit(bool({'skimage', 'foolbox', 'torch'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_an_unknown_sample_is_refused_with_the_choice():
    with pytest.raises(UserError, match=r"no sample photograph called sample:unicorn.*sample:cat"):
        samples.read("sample:unicorn")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs the package skimage"):
        samples.read("sample:cat")
