"""Frames of cameras, as the lab answers them."""

import pytest
from PIL import Image

from tests.camera_frames import as_jpeg, frame_of
from tl_core.engine.job import JobState
from tl_core.specs.classify import Classify
from tl_core.specs.live import MOST_BYTES, LiveFrame


@pytest.fixture(scope="module")
def frame():
    return frame_of("sample:cat")


def answered(lab, frame, **more):
    job = lab.jobs.submit(LiveFrame(frame=frame, **more), "ann")
    assert job.wait(60)
    return job


def test_a_frame_is_answered_as_the_same_photograph_is(lab, frame):
    live = answered(lab, frame).snapshot
    still = lab.jobs.ask(Classify(photo=lab.photos.add(frame, "ann"), top=5), "ann", timeout_s=60)
    assert [one.index for one in live.answers] == [one.index for one in still.snapshot.answers]
    for one, other in zip(live.answers, still.snapshot.answers, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-5)


def test_frames_of_several_visitors_share_a_pass_and_what_is_no_picture_fails_alone(lab, frame):
    answered(lab, frame)  # the network is in memory
    jobs = [
        lab.jobs.submit(LiveFrame(frame=data), f"visitor {number}")
        for number, data in enumerate([frame, b"\xff\xd8\xff no picture", frame, frame])
    ]
    assert all(job.wait(60) for job in jobs)
    states = [job.state for job in jobs]
    assert states == [JobState.DONE, JobState.FAILED, JobState.DONE, JobState.DONE]
    assert "cannot be read" in str(jobs[1].error)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff" + bytes(MOST_BYTES), "at most"),
        (as_jpeg(Image.new("RGB", (800, 640))), "at most"),
    ],
)
def test_what_is_no_frame_is_refused_in_a_sentence(lab, data, words):
    job = answered(lab, data)
    assert job.state is JobState.FAILED
    assert words in str(job.error)


def test_a_network_that_is_not_there_is_a_sentence_too(lab, frame):
    job = answered(lab, frame, backbone="vgg16")
    assert job.state is JobState.FAILED
    assert "VGG-16" in str(job.error)


def test_nothing_is_kept_of_a_frame(lab, frame):
    before = {row.kind: row.held_bytes for row in lab.memory.rows()}
    answered(lab, frame)
    assert {row.kind: row.held_bytes for row in lab.memory.rows()} == before
    assert "frame" not in repr(LiveFrame(frame=frame))
