"""What the lab says and does when its device does not work any more."""

import dataclasses
import threading
import weakref

import pytest
import torch

from tl_core import commands
from tl_core.classify import handler as classify
from tl_core.errors import UserError
from tl_core.lab import Lab
from tl_core.machine.device import is_device_gone
from tl_core.specs.classify import Classify
from tl_core.specs.ideal import IdealImage

WAIT_S = 60
QUESTION = Classify(photo="sample:cat")


@pytest.mark.parametrize(
    ("text", "is_gone"),
    [
        ("CUDA error: device-side assert triggered", True),
        ("CUDA error: an illegal memory access was encountered", True),
        ("CUDA error: out of memory", False),
        ("CUDA out of memory. Tried to allocate 2 GiB", False),
        ("The size of tensor a (3) must match the size of tensor b (4)", False),
    ],
)
def test_only_an_error_that_stays_counts_as_the_end_of_the_device(text, is_gone):
    assert is_device_gone(RuntimeError(text)) is is_gone


def test_after_a_device_side_assert_the_lab_refuses_new_work_and_says_why(lab, monkeypatch):
    def broken(_backbone, _pixels):
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(classify, "look_at", broken)
    assert lab.readiness() == ""
    job = lab.jobs.submit(QUESTION, "ann")
    assert job.wait(WAIT_S)
    assert "graphics card has failed" in str(job.error)
    assert "graphics card has failed" in lab.readiness()
    assert "graphics card has failed" in str(lab.status().trouble)
    with pytest.raises(UserError, match="graphics card has failed"):
        lab.jobs.submit(IdealImage(), "bob")


def test_while_a_slice_does_not_come_back_the_lab_refuses_new_work(settings, monkeypatch):
    gate, is_inside = threading.Event(), threading.Event()
    real = classify.look_at

    def hanging(backbone, pixels):
        is_inside.set()
        assert gate.wait(WAIT_S)
        return real(backbone, pixels)

    monkeypatch.setattr(classify, "look_at", hanging)
    with Lab(dataclasses.replace(settings, hang_s=0.05)) as lab:
        job = lab.jobs.submit(QUESTION, "ann")
        assert is_inside.wait(WAIT_S)
        while not lab.readiness():
            threading.Event().wait(0.01)
        with pytest.raises(UserError, match="has not answered"):
            lab.jobs.submit(dataclasses.replace(QUESTION, top=3), "bob")
        gate.set()
        assert job.wait(WAIT_S)


def test_doctor_says_whether_work_can_be_done(capsys, monkeypatch):
    assert commands.main(["doctor"]) == 0
    assert "ready         yes" in capsys.readouterr().out
    monkeypatch.setattr(Lab, "readiness", lambda _self: "The device is gone.")
    assert commands.main(["doctor"]) == 1
    assert "The device is gone." in capsys.readouterr().out


def test_after_a_lack_of_memory_nothing_of_the_failed_run_is_kept(lab, monkeypatch):
    held = []

    def out_of_memory(_backbone, pixels):
        activations = pixels * 2
        held.append(weakref.ref(activations))
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(classify, "look_at", out_of_memory)
    job = lab.jobs.ask(QUESTION, "ann")
    assert job.wait(WAIT_S)
    assert "no memory left" in str(job.error)
    assert [reference() for reference in held] == [None]


def test_the_estimate_keeps_no_run_that_is_over_alive(lab):
    job = lab.jobs.submit(IdealImage(steps=16), "ann")
    job.cancel()
    assert job.wait(WAIT_S)
    gone = threading.Event()
    weakref.finalize(job, gone.set)
    lab.jobs.submit(QUESTION, "ann").wait(WAIT_S)  # the worker lets go of the last slice's jobs
    del job
    assert gone.wait(WAIT_S)
