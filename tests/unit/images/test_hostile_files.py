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


LADEN = {  # with baggage that does not spoil a good picture
    "png-text-1mb",
    "png-ztxt-bomb",
    "png-many-ztxt-bombs",
    "png-profile-broken",
    "png-animation-none",
    "jpeg-profile-broken",
    "jpeg-multi-picture-broken",
    "jpeg-more-behind",
}


def is_good(name: str) -> bool | None:
    """Whether it must become a photograph, or must be refused; ``None`` where either may be."""
    if name.startswith(("honest", "mode", "exif-")) or name in LADEN:
        return True
    # half of an animation may hold its first frame
    is_half = name.endswith("50%") and "moving" not in name
    return False if is_half or name.startswith("not-") else None


@pytest.mark.parametrize("name", FILES)
def test_every_file_becomes_a_photograph_or_one_sentence(name):
    result = outcome(FILES[name])
    if isinstance(result, str):
        assert not is_good(name), result
        assert result.endswith(".")
        assert len(result) < 200
    else:
        assert is_good(name) is not False
        assert type(result) is Image.Image
        assert result.mode == "RGB"
        assert min(result.size) >= 8
        assert result.size == (64, 48) or not name.startswith(("honest", "mode"))
        assert not result.info


def test_a_large_picture_in_a_small_file_is_refused_before_it_is_decoded():
    bomb = FILES["bomb-81-megapixels"]
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        assert outcome(bomb).startswith("This photograph is 9000 × 9000 pixels")
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
