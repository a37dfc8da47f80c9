"""Every damaged or dishonest file becomes a photograph or one sentence; nothing else escapes."""

import tracemalloc

import pytest
from PIL import Image, ImageFile

from tests.hostile import hostile_files
from tl_core.errors import UserError
from tl_core.images.decode import decode

FILES = dict(hostile_files())
MAX_PIXELS = 50_000_000


def outcome(data: bytes) -> Image.Image | str:
    try:
        return decode(data, max_pixels=MAX_PIXELS)
    except UserError as error:
        return str(error)


def test_the_corpus_has_at_least_300_files_with_names_of_their_own():
    assert len(FILES) == len(hostile_files()) >= 300


@pytest.mark.parametrize("name", FILES)
def test_every_file_becomes_a_photograph_or_one_sentence(name):
    result = outcome(FILES[name])
    if isinstance(result, str):
        assert result.endswith(".")
        assert len(result) < 200
    else:
        assert type(result) is Image.Image
        assert result.mode == "RGB"
        assert min(result.size) >= 8
        assert not result.info


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith(("honest", "mode"))])
def test_honest_files_of_every_format_and_mode_become_photographs(name):
    result = outcome(FILES[name])
    assert isinstance(result, Image.Image), result
    assert result.size == (64, 48)


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("not-")])
def test_what_is_no_photograph_is_refused(name):
    assert isinstance(outcome(FILES[name]), str)


@pytest.mark.parametrize(
    "name",
    [
        *(name for name in FILES if name.startswith("exif-")),
        "png-text-1mb",
        "png-ztxt-bomb",
        "png-many-ztxt-bombs",
        "png-profile-broken",
        "png-animation-none",
        "jpeg-profile-broken",
        "jpeg-multi-picture-broken",
        "jpeg-more-behind",
    ],
)
def test_bad_baggage_does_not_spoil_a_good_picture(name):
    assert isinstance(outcome(FILES[name]), Image.Image)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("50%")])
def test_half_a_file_is_refused(name):
    if "moving" not in name:  # half of an animation may hold its first frame
        assert isinstance(outcome(FILES[name]), str)


def test_a_large_picture_in_a_small_file_is_refused_before_it_is_decoded():
    bomb = FILES["bomb-81-megapixels"]
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        assert outcome(bomb).startswith("This photograph has 9000 × 9000 pixels")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_no_shared_setting_of_pillow_changes():
    def state():
        limits = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        return limits, sorted(Image.OPEN), list(Image.ID)

    Image.init()
    before = state()
    for name in ("honest-heic", "bomb-81-megapixels", "cut-jpeg-50%"):
        outcome(FILES[name])
    assert state() == before
