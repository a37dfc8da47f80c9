import io

import numpy as np
import pytest
from PIL import Image

from tests.handler import drive, start, turn
from tl_core.attribution import handler as attribute
from tl_core.attribution.faithfulness import SHARE, blurred_variants
from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import untrained
from tl_core.classify import handler as classify
from tl_core.context import Context
from tl_core.errors import UserError
from tl_core.images.heatmap import overlay_encoded
from tl_core.lab import Lab
from tl_core.specs.attribution import ATTRIBUTION_METHODS, Attribute
from tl_core.specs.classify import Classify
from tl_core.specs.feature_maps import Box

# left, top, right, bottom of the animal on the fitted photograph of 224 pixels, by eye
ANIMALS: dict[str, Box] = {
    "sample:cat": (8, 40, 224, 216),  # the face
    "sample:bull-mastiff": (42, 68, 140, 165),  # the head
    "sample:dalmatian": (20, 0, 192, 186),  # the head
}


def _pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)))


@pytest.mark.parametrize("photo", ANIMALS)
def test_grad_cam_peaks_on_the_animal(photo: str, context: Context):
    shot = drive(attribute.run, Attribute(photo=photo), context)
    x, y = shot.maps[0].peak
    left, top, right, bottom = ANIMALS[photo]
    assert left <= x < right
    assert top <= y < bottom


def test_the_predicted_class_and_the_runner_up_are_asked_for(context: Context):
    photo = "sample:bull-mastiff"
    answers = drive(classify.run, Classify(photo=photo), context).answers
    shot = drive(attribute.run, Attribute(photo=photo, methods=("gradcam",)), context)
    assert [map_.target for map_ in shot.maps] == [answer.index for answer in answers[:2]]
    for asked, answer in zip(shot.classes, answers, strict=False):
        assert (asked.target, asked.label) == (answer.index, answer.label)
        assert asked.probability == pytest.approx(answer.probability, abs=1e-6)
    assert shot.step == shot.steps == 4


def test_why_one_class_rather_than_another_is_one_map_and_its_proof(context: Context):
    spec = Attribute(photo="sample:cat", methods=("integrated_gradients",), contrast=254)
    shot = drive(attribute.run, spec, context)
    (found,) = shot.maps
    (asked,) = shot.classes
    assert shot.contrast.label == "pug"
    assert found.total == pytest.approx(found.expected, rel=0.1)
    both = asked.probability + shot.contrast.probability
    assert found.faithfulness.before == pytest.approx(asked.probability / both, rel=1e-3)


def test_the_likeliest_class_rather_than_itself_is_the_runner_up_rather_than_it(context: Context):
    first, second = drive(classify.run, Classify(photo="sample:cat"), context).answers[:2]
    shot = drive(attribute.run, Attribute(photo="sample:cat", contrast=first.index), context)
    assert [map_.target for map_ in shot.maps] == [second.index]


def test_a_class_rather_than_itself_is_refused():
    with pytest.raises(UserError, match="compare a class with itself"):
        Attribute(photo="sample:cat", targets=(3,), contrast=3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("photo", "target", "steps"),
    [
        ("sample:dalmatian", 251, 32),
        ("sample:cat", 285, 64),
    ],
)
def test_integrated_gradients_add_up_to_the_score_gained(
    photo: str, target: int, steps: int, context: Context
):
    methods = ("integrated_gradients",)
    spec = Attribute(photo=photo, methods=methods, targets=(target,), steps=steps)
    (found,) = drive(attribute.run, spec, context).maps
    assert found.expected is not None
    assert found.total == pytest.approx(found.expected, rel=0.05)


def test_blurring_what_matters_costs_more_than_blurring_elsewhere(context: Context):
    for photo, target in (("sample:bull-mastiff", 243), ("sample:dalmatian", 251)):
        (found,) = drive(attribute.run, Attribute(photo=photo, targets=(target,)), context).maps
        assert found.faithfulness is not None
        assert found.faithfulness.fall > 0.3
        assert found.faithfulness.fall > 2 * found.faithfulness.random_fall


def test_exactly_a_fifth_of_the_pixels_is_blurred_the_best_first():
    generator = np.random.default_rng(0)
    photo = generator.integers(0, 256, (40, 40, 3), np.uint8)
    values = np.zeros((40, 40), np.float32)
    values[:4] = 1  # a tenth; the other tenth is drawn among equals
    variants = blurred_variants(photo, values, 3)
    changed = (variants != photo).any(axis=3)
    shares = changed.mean(axis=(1, 2))
    assert shares[0] == 0
    assert shares[1:] == pytest.approx(SHARE, abs=0.01)  # a pixel may equal its blur
    assert changed[1, :4].mean() > 0.95
    assert changed[1, 4:20].any()
    assert changed[1, 20:].any()
    assert np.array_equal(variants, blurred_variants(photo, values, 3))


def test_overlay_heat_and_photo_fit_together(context: Context):
    spec = Attribute(photo="sample:cat", methods=("gradcam",), targets=(282,), strength=0.4)
    shot = drive(attribute.run, spec, context)
    (found,) = shot.maps
    assert _pixels(shot.photo).shape == (shot.side, shot.side, 3) == (224, 224, 3)
    assert _pixels(found.heatmap).shape == (224, 224)
    assert _pixels(found.heatmap)[found.peak[::-1]] == 255
    assert _pixels(found.heatmap).min() >= 127  # Grad-CAM has nothing against
    again = _pixels(overlay_encoded(shot.photo, found.heatmap, 0.4)).astype(int)
    assert np.abs(again - _pixels(found.overlay)).mean() < 2


def test_the_cam_layer_is_the_last_stage_and_can_be_moved(context: Context):
    default = drive(attribute.run, Attribute(photo="sample:cat", targets=(282,)), context)
    spec = Attribute(photo="sample:cat", targets=(282,), layer="blocks.4.2")
    moved = drive(attribute.run, spec, context)
    assert (default.maps[0].layer, moved.maps[0].layer) == ("bn2", "blocks.4.2")
    assert default.maps[0].heatmap != moved.maps[0].heatmap


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Attribute(photo="sample:cat", methods=("guided_gradcam",)), "Lite0 has ReLU6"),
        (
            Attribute(photo="sample:cat", targets=(1000,)),
            "classes 0 to 999, so there is no class 1000",
        ),
        (Attribute(photo="sample:cat", targets=(-1,)), "classes 0 to 999, so there is no class -1"),
        (
            Attribute(photo="sample:cat", contrast=1000),
            "classes 0 to 999, so there is no class 1000",
        ),
        (Attribute(photo="sample:cat", layer="nowhere"), "no layer nowhere"),
    ],
)
def test_what_a_network_cannot_answer_is_refused(spec: Attribute, message: str, context: Context):
    with pytest.raises(UserError, match=message):
        drive(attribute.run, spec, context)


def test_an_unknown_method_is_refused_with_the_choices():
    with pytest.raises(UserError, match=r"no method called lime.*gradcam, integrated"):
        Attribute(photo="sample:cat", methods=("lime",))


@pytest.mark.slow
def test_a_network_of_relus_answers_by_every_method(context: Context):
    backbone = untrained(context.backbones.row("vgg16"), context.device, seed=0)
    kept = context.backbones._loaded
    kept.put("vgg16", backbone, 0)
    try:
        keys = ("gradcam", "guided_gradcam")
        spec = Attribute(backbone="vgg16", photo="sample:cat", methods=keys, targets=(3,))
        shot = drive(attribute.run, spec, context)
    finally:
        kept.put("vgg16", None, 0)
    assert [found.layer for found in shot.maps] == ["features.29"] * 2
    assert not any(module._forward_hooks for module in backbone.body.modules())


def test_occlusion_shows_progress_and_can_be_dropped_half_way(context: Context, lite0: Backbone):
    spec = Attribute(photo="sample:cat", methods=("occlusion",), patch=128)
    runner = start(attribute.run, spec, context)
    job = runner.jobs[0]
    while job.snapshot is None or job.snapshot.step < 2:
        turn(runner)
    assert 2 <= job.snapshot.step < job.snapshot.steps
    assert runner.remove(job, keep=False)
    runner.close()
    assert not any(module._forward_hooks for module in lite0.body.modules())


@pytest.mark.slow
def test_thirty_six_visitors_at_once_get_what_they_get_alone(lab: Lab):
    photos = tuple(ANIMALS)
    specs = [
        spec
        for photo in photos
        for spec in (
            Attribute(photo=photo),
            Attribute(photo=photo, methods=("integrated_gradients",), steps=4, noise_samples=1),
            Classify(photo=photo),
            Classify(photo=photo, top=3),
        )
    ]

    def answers(copies: int):
        jobs = [
            lab.jobs.submit(spec, f"visitor {copy} {index}")
            for copy in range(copies)
            for index, spec in enumerate(specs)
        ]
        assert all(job.wait(240) for job in jobs)
        shown = [job.snapshot for job in jobs]
        return [getattr(s, "maps", None) or getattr(s, "logits", None) for s in shown]

    alone = answers(1)
    assert answers(3) == alone * 3


def test_every_method_says_what_it_does_and_where_it_comes_from():
    for row in ATTRIBUTION_METHODS:
        assert row.does.endswith(".")
        assert "arXiv:" in row.paper
