import pytest
import torch

from tests.unit.imageopt.test_batch import slot_of
from tests.unit.tiny import TINY
from tl_core.errors import UserError
from tl_core.imageopt import precision
from tl_core.imageopt.batch import Batch
from tl_core.imageopt.precision import known, measure

CPU = torch.device("cpu")


@pytest.fixture
def batch(backbone, monkeypatch):
    """One picture on a processor that has bfloat16."""
    monkeypatch.setattr(precision, "has_bf16", lambda _device: True)
    batch = Batch([backbone])
    batch.join(slot_of())
    return batch


@pytest.fixture
def takes(monkeypatch):
    """Let a step in each precision take so many seconds, one after the other and round again."""
    asked = []

    def chosen(**seconds):
        def step_s(trial):
            asked.append((trial.precision, len(trial.slots)))
            return seconds[trial.precision][(len(asked) // 2) % len(seconds[trial.precision])]

        monkeypatch.setattr(precision, "_step_s", step_s)
        return asked

    return chosen


@pytest.mark.parametrize(
    ("fp32", "bf16", "found"), [(0.02, 0.01, "bf16"), (0.01, 0.02, "fp32"), (0.02, 0.019, "fp32")]
)
def test_the_quicker_precision_is_kept_and_bf16_must_gain_a_tenth(
    batch, takes, tmp_path, fp32, bf16, found
):
    asked = takes(fp32=[fp32], bf16=[bf16])
    assert known(tmp_path, CPU, [TINY]) is None
    assert measure(tmp_path, batch) == found
    assert known(tmp_path, CPU, [TINY]) == found
    assert len(asked) == 1 + 2 * 3
    assert asked[-1] == ("bf16", 4)


def test_another_number_of_threads_is_another_machine(batch, takes, tmp_path):
    takes(fp32=[0.02], bf16=[0.01])
    measure(tmp_path, batch)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert known(tmp_path, CPU, [TINY]) is None
    finally:
        torch.set_num_threads(threads)


def test_what_others_disturb_is_repeated_and_not_kept(batch, takes, tmp_path):
    asked = takes(fp32=[0.1, 0.1, 0.13, 0.17, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7], bf16=[0.12])
    assert measure(tmp_path, batch) == "fp32"
    assert len(asked) == 1 + 2 * 9
    assert known(tmp_path, CPU, [TINY]) is None


def test_what_takes_three_times_as_long_is_tried_once(batch, takes, tmp_path):
    asked = takes(fp32=[0.02], bf16=[0.5])
    assert measure(tmp_path, batch) == known(tmp_path, CPU, [TINY]) == "fp32"
    assert len(asked) == 1 + 2


def test_a_slow_network_is_asked_once_with_one_picture(batch, takes, tmp_path):
    asked = takes(fp32=[2.0], bf16=[1.0])
    assert measure(tmp_path, batch) == "bf16"
    assert asked == [("fp32", 1), ("fp32", 1), ("bf16", 1)]
    assert known(tmp_path, CPU, [TINY]) == "bf16"


def test_measuring_does_not_touch_the_picture(batch, tmp_path):
    (slot,) = batch.slots
    batch.step()
    before = batch.pixels()
    measure(tmp_path, batch)
    assert torch.equal(batch.pixels(), before)
    assert (slot.step, batch.slots) == (1, (slot,))


def test_where_memory_is_short_it_is_fp32_this_time(batch, monkeypatch, tmp_path):
    def refuse(_trial):
        raise UserError("The device has too little memory for this picture.")

    monkeypatch.setattr(precision, "_step_s", refuse)
    assert measure(tmp_path, batch) == "fp32"
    assert known(tmp_path, CPU, [TINY]) is None


def test_a_folder_that_cannot_be_written_costs_time_only(batch, takes, tmp_path):
    takes(fp32=[0.02], bf16=[0.01])
    (tmp_path / "precision").write_text("in the way")
    assert measure(tmp_path, batch) == "bf16"
    assert known(tmp_path, CPU, [TINY]) is None


def test_a_processor_without_bf16_needs_no_measurement(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert known(tmp_path, CPU, [TINY]) == "fp32"
    assert known(tmp_path, torch.device("cuda"), [TINY]) == "bf16"
    assert known(tmp_path, torch.device("mps"), [TINY]) == "fp32"
