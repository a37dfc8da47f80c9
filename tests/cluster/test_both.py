"""What a lab does is the same in this process and on a cluster."""

import dataclasses
import io
import json

import pytest
from PIL import Image

from tests.camera_frames import frame_of
from tests.cluster.conftest import WAIT_S, until
from tests.model_files import of_raw_pixels
from tl_core.errors import UserError
from tl_core.lab import BackboneState, JobState, Lab
from tl_core.specs.attack import Attack
from tl_core.specs.base import Snapshot, Spec
from tl_core.specs.classify import Classify
from tl_core.specs.datasets import PreviewData
from tl_core.specs.feature_maps import FeatureMaps
from tl_core.specs.ideal import IdealImage
from tl_core.specs.live import LiveFrame
from tl_core.specs.training import FineTune

pytestmark = pytest.mark.cluster

TRAINING = FineTune(dataset="digits", epochs=1, photos_per_class=10)
PICTURE = IdealImage(target=281, steps=400, seed=3)


def run(lab: Lab, spec: Spec, owner: str = "ann") -> Snapshot:
    job = lab.jobs.submit(spec, owner)
    assert job.wait(WAIT_S)
    assert job.error is None, str(job.error)
    assert job.snapshot is not None
    return job.snapshot


def own_photo(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (300, 260), colour).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    "spec",
    [
        IdealImage(target=281, steps=8, seed=7, precision="fp32"),
        Attack(photo="sample:cat", target=207, steps=8),
    ],
    ids=["ideal image", "attack"],
)
def test_a_picture_alone_is_the_same_step_by_step(lab, on_cluster, spec):
    here, there = (run(one, spec) for one in (lab, on_cluster))
    assert len(here.history) == len(there.history) > 1
    for mine, theirs in zip(here.history, there.history, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5, rel=1e-5)


def test_an_answer_is_the_same(lab, on_cluster):
    here, there = (run(one, Classify(photo="sample:cat")) for one in (lab, on_cluster))
    assert here.logits == pytest.approx(there.logits, abs=1e-4)
    assert here.seen == there.seen


def test_cameras_frames_are_answered_as_here(lab, on_cluster):
    def seen(where, frame):
        jobs = [where.jobs.submit(LiveFrame(frame=frame), who) for who in ("ann", "bob")]
        assert all(job.wait(WAIT_S) for job in jobs)
        return [[one.index for one in job.snapshot.answers] for job in jobs]

    for sample in ("sample:cat", "sample:dalmatian"):
        frame = frame_of(sample)
        assert seen(lab, frame) == seen(on_cluster, frame)


def test_it_knows_its_networks_and_data(either):
    ready = [row.key for row in either.backbones.ready()]
    assert "efficientnet_lite0" in ready
    states = {found.row.key: found.state for found in either.backbones.rows()}
    assert states["vgg16"] is BackboneState.DOWNLOADABLE
    assert either.backbones.classes("efficientnet_lite0")[281].startswith("tabby")
    assert len(either.backbones.channel_counts("efficientnet_lite0")) > 3
    own = either.models.load(of_raw_pixels("pixels", ("cats", "dogs")), "ann")
    assert either.backbones.channel_counts(own) == {"0": 3}
    entries = {entry.key: entry.state for entry in either.datasets.rows()}
    assert entries["digits"] == "ready"
    assert entries["microsoft_cats_and_dogs"] == "can be downloaded"
    assert len(either.datasets.classes("digits")) == 10
    status = either.status()
    assert "CPU" in status.device
    assert status.cores >= 1


def test_a_question_asked_again_is_answered_at_once(either):
    first = either.jobs.ask(FeatureMaps(photo="sample:cat"), "ann", timeout_s=WAIT_S)
    assert first.state is JobState.DONE
    assert either.jobs.ask(FeatureMaps(photo="sample:cat"), "bob") is first


def test_an_own_photograph_is_looked_at(either):
    key = either.photos.add(own_photo(), "ann")
    assert len(run(either, Classify(photo=key)).answers) == 5
    either.forget("ann")
    until(lambda: key not in either.photos)
    job = either.jobs.submit(Classify(photo=key), "bob")
    assert job.wait(WAIT_S)
    assert "no longer in the lab's memory" in str(job.error)


def test_what_cannot_be_is_said_in_words(either):
    with pytest.raises(UserError, match="There is no backbone called nonsense"):
        either.jobs.submit(Classify(photo="sample:cat", backbone="nonsense"), "ann")
    job = either.jobs.submit(Classify(photo="sample:cat", backbone="vgg16"), "ann")
    assert job.wait(WAIT_S)
    assert "VGG-16 is not on this machine yet" in str(job.error)
    with pytest.raises(UserError, match="already have"):
        for seed in range(20):
            either.jobs.submit(dataclasses.replace(PICTURE, seed=seed), "greedy")
    either.end("greedy")
    until(lambda: not either.jobs.of("greedy"))


def test_controls_pause_and_cancel_reach_a_run(either):
    job = either.jobs.submit(PICTURE, "ann")
    until(lambda: job.snapshot is not None and job.snapshot.step > 2)
    job.update(tv_weight=0.5)
    until(lambda: any(name == "tv_weight" for _, name, _ in job.snapshot.moves))
    job.pause()
    until(lambda: job.state is JobState.PAUSED)
    step = job.snapshot.step
    job.resume()
    until(lambda: job.snapshot.step > step)
    assert 0 < job.seconds < WAIT_S
    job.cancel()
    assert job.wait(WAIT_S)
    assert job.state is JobState.CANCELLED
    assert job.snapshot.png


def test_a_picture_paused_goes_on_to_the_same_end(lab, on_cluster):
    spec = IdealImage(target=281, steps=30, seed=7, precision="fp32")
    whole = run(lab, spec)
    job = on_cluster.jobs.submit(spec, "ann")
    until(lambda: job.snapshot is not None and job.snapshot.step > 1)
    job.pause()
    until(lambda: job.state is JobState.PAUSED)
    job.resume()
    assert job.wait(WAIT_S)
    assert job.snapshot.history[-1] == pytest.approx(whole.history[-1], abs=1e-4, rel=1e-4)


def test_a_visitor_teaches_a_network_and_uses_it_everywhere(either):
    assert run(either, TRAINING).result is not None
    ((key, label),) = either.models.of("ann").items()
    assert "EfficientNet-Lite0" in label
    assert either.backbones.row(key).key == "efficientnet_lite0"
    assert either.backbones.classes(key) == tuple("0123456789")
    answer = run(either, Classify(photo="sample:cat", backbone=key))
    assert run(either, IdealImage(target=3, steps=3, backbone=key)).step == 3
    assert json.loads(either.models.settings_of(key))["dataset"] == "digits"
    assert "load_state_dict" in either.models.plain_pytorch(key)
    either.models.require_loadable(key)
    either.models.rename(key, label="numbers", classes=["nought", *"123456789"])
    assert either.models.of("ann") == {key: "numbers"}
    renamed = run(either, Classify(photo="sample:cat", backbone=key))
    assert {said.label for said in renamed.answers} <= {"nought", *"123456789"}
    assert renamed.logits == pytest.approx(answer.logits, abs=1e-4)
    again = either.models.load(either.models.save(key), "bob")
    assert run(either, Classify(photo="sample:cat", backbone=again), "bob").logits == pytest.approx(
        answer.logits, abs=1e-4
    )
    assert either.backbones.classes(again)[0] == "nought"
    either.models.drop(again)
    assert not either.models.of("bob")
    either.forget("ann")
    until(lambda: not either.models.of("ann"))
    with pytest.raises(UserError, match="no longer in memory"):
        either.jobs.submit(Classify(photo="sample:cat", backbone=key), "ann")


def test_a_visitor_learns_from_their_own_photographs(either):
    colours = {"red": ("red", "darkred", "tomato"), "blue": ("blue", "navy", "skyblue")}
    photos = tuple(
        (name, tuple(either.datasets.add_example(own_photo(one), "ann") for one in shades))
        for name, shades in colours.items()
    )
    found = run(either, FineTune(dataset="own", photos=photos, epochs=1, mode="head"))
    assert found.result is not None
    assert either.models.of("ann")


def test_a_data_set_can_be_looked_through(either):
    preview = run(either, PreviewData(dataset="digits"))
    assert len(preview.classes) == 10
    keys = either.datasets.add_of_class("digits", "3", 2, "ann")
    assert len(keys) == 2
    assert all(key in either.photos for key in keys)


def test_what_a_visitor_who_left_has_running_pauses_goes_on_and_ends(either):
    job = either.jobs.submit(PICTURE, "ann")
    until(lambda: job.state is JobState.RUNNING)
    either.set_aside("ann")
    until(lambda: job.state is JobState.PAUSED)
    either.take_up("ann")
    until(lambda: job.state is JobState.RUNNING)
    either.stop("ann")
    assert job.wait(WAIT_S)
    assert job.state is JobState.CANCELLED
