"""Without memory a run ends in a sentence, others go on, and the next one works."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.lack_of_memory import LACKS_OF_MEMORY, OTHER_LACKS
from tests.model_files import of_raw_pixels
from tl_core.classify import handler as classify
from tl_core.errors import UserError
from tl_core.lab import JobState, Lab
from tl_core.machine.device import is_device_gone, is_out_of_memory
from tl_core.specs.classify import Classify

WAIT_S = 60
QUESTION = Classify(photo="sample:cat")


@pytest.mark.parametrize("error", [*LACKS_OF_MEMORY, *OTHER_LACKS], ids=repr)
def test_a_lack_of_memory_is_known_by_whoever_says_it(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_device_gone(error)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), OSError(28, "full"), KeyError()])
def test_other_errors_are_no_lack_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_a_question_without_memory_fails_alone_and_is_answered_the_next_time(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, calls = classify.look_at, itertools.count()

    def short_of_memory(*arguments: Any) -> Any:
        if next(calls) == 0:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return answers(*arguments)

    monkeypatch.setattr(classify, "look_at", short_of_memory)
    asked = [lab.jobs.submit(replace(QUESTION, top=top), "ann") for top in (1, 2)]
    assert all(job.wait(WAIT_S) for job in asked)
    (failed,) = [job for job in asked if job.error is not None]
    assert "This machine has no memory left for this right now" in str(failed.error)
    assert lab.jobs.ask(failed.spec, "ann", timeout_s=WAIT_S).state is JobState.DONE
    assert lab.readiness() == ""


def test_a_network_for_which_there_was_no_memory_is_not_called_damaged(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(torch, "load", _raising(MemoryError()))
        job = lab.jobs.ask(QUESTION, "ann", timeout_s=WAIT_S)
    assert "has no memory left for this" in str(job.error)
    assert lab.jobs.ask(QUESTION, "ann", timeout_s=WAIT_S).state is JobState.DONE


def test_a_model_for_which_there_is_no_memory_is_refused_in_a_sentence(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = of_raw_pixels("Mine", ["a", "b"])
    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.load", _raising(MemoryError()))
        with pytest.raises(UserError, match="too little memory for this model"):
            lab.models.load(data, "ann")
    assert lab.models.of("ann") == {}
    assert lab.models.load(data, "ann") in lab.models.of("ann")


def _raising(error: Exception) -> Callable[..., None]:
    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    return fail
