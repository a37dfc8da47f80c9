"""Bytes to photographs, photographs to what a network sees, and back to bytes."""

import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

from tests.hostile import exif, hostile_files, photo, saved, with_segment
from tests.png_text import png_text
from tl_core.errors import UserError
from tl_core.images import samples
from tl_core.images.decode import content_key, decode
from tl_core.images.encode import encode_jpeg, encode_png, thumbnail
from tl_core.images.formats.png import png_pixels
from tl_core.images.photo import crop_box, fit, to_array

LIMIT = 25_000_000
FILES = dict(hostile_files())


def pixels(data: bytes) -> np.ndarray:
    return to_array(decode(data, max_pixels=LIMIT))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_photographs_stand_upright_as_pillow_would_turn_them(turn, file_format):
    data = saved(photo(), file_format, exif=exif(turn))
    with Image.open(io.BytesIO(data)) as file:
        expected = ImageOps.exif_transpose(file).convert("RGB")
    assert np.array_equal(pixels(data), np.asarray(expected))


def test_transparent_parts_become_white():
    picture = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 8, 16))
    picture.putpixel((15, 15), (0, 0, 0, 128))
    array = pixels(saved(picture, "PNG"))
    assert array[0, 0].tolist() == [0, 0, 255]
    assert array[0, 12].tolist() == [255, 255, 255]
    assert array[15, 15].tolist() == [127, 127, 127]


def test_sixteen_bit_grey_keeps_its_range():
    grey = np.repeat(np.array([[0, 257 * 100, 65_535, 300]], np.uint16), 4, axis=1).repeat(8, 0)
    array = pixels(saved(Image.fromarray(grey), "PNG"))
    assert array[0, ::4, 0].tolist() == [0, 100, 255, 1]


def test_an_animation_shows_its_first_frame():
    for name in ("gif", "webp", "png"):
        still, moving = (pixels(FILES[f"honest-{kind}"]) for kind in (name, f"{name}-moving"))
        assert np.abs(still.astype(int) - moving).mean() < 5


def test_a_heic_photograph_looks_like_the_original():
    assert np.abs(pixels(FILES["honest-heic"]).astype(int) - to_array(photo())).mean() < 6


def test_a_corrupt_resolution_in_exif_is_not_looked_for():
    jpeg = saved(photo(), "JPEG")
    assert jpeg[6:10] == b"JFIF"  # without which Pillow takes the resolution from EXIF
    data = with_segment(jpeg[:2] + jpeg[20:], 0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"x" * 10)
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        JpegImageFile(io.BytesIO(data)).close()
    decode(data, max_pixels=LIMIT)  # a warning would fail the test


def test_the_name_of_no_place_stays_in_a_saved_picture():
    data = saved(photo(), "JPEG", exif=exif(1), comment=b"at home", icc_profile=b"secret")
    kept = encode_png(decode(data, max_pixels=LIMIT))
    assert not any(word in kept for word in (b"home", b"Exif", b"eXIf", b"iCCP"))


@pytest.mark.parametrize(
    ("data", "limits", "start"),
    [
        (b"", {}, "This file is empty."),
        (b"x" * 3_000_000, {"max_bytes": 2**20}, "This file is 3 MB, but the lab takes at most 1"),
        (b"I am a cat.", {}, "This file is not a photograph"),
        (saved(photo(), "PNG"), {"max_pixels": 3071}, "This photograph is 64 × 48 pixels"),
        (saved(photo(7, 99), "PNG"), {}, "This photograph is 7 × 99 pixels, but each side"),
        (saved(photo(), "JPEG")[:500], {}, "This photograph is damaged"),
    ],
)
def test_refusals_say_what_happened(data, limits, start):
    with pytest.raises(UserError) as caught:
        decode(data, **{"max_pixels": LIMIT} | limits)
    assert str(caught.value).startswith(start)


def test_at_least_shrinks_only_large_jpegs():
    def size(data):
        return decode(data, max_pixels=LIMIT, at_least=70).size

    assert size(saved(photo(600, 300), "JPEG")) == (150, 75)
    assert size(saved(photo(200, 139), "JPEG")) == (200, 139)
    assert size(saved(photo(600, 300), "PNG")) == (600, 300)


def test_threads_decode_the_same_file_to_the_same_pixels():
    names = ["honest-jpeg", "honest-png", "honest-heic", "honest-webp", "cut-png-50%"] * 8

    def result(name: str) -> bytes | str:
        try:
            return pixels(FILES[name]).tobytes()
        except UserError as error:
            return str(error)

    alone = {name: result(name) for name in names}
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(result, names)) == [alone[name] for name in names]


@pytest.mark.parametrize("size", [(451, 300), (300, 451), (512, 512), (100, 80), (1_000, 33)])
@pytest.mark.parametrize(("input_size", "resize"), [(224, 256), (224, 224), (64, 71)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_fit_equals_torchvisions_resize_and_centre_crop(size, input_size, resize, interpolation):
    picture = photo(*size)
    scaled = transforms.resize(picture, resize, InterpolationMode(interpolation))
    expected = np.asarray(transforms.center_crop(scaled, [input_size, input_size])).astype(int)
    difference = np.abs(to_array(fit(picture, input_size, resize, interpolation)) - expected)
    assert difference.max() <= 2  # Pillow takes the box in single precision
    assert difference.mean() < 0.05


def test_a_picture_of_the_input_size_is_untouched():
    picture = photo(224, 224)
    assert fit(picture, 224, 256, "bicubic") is picture
    assert crop_box((224, 224), 224, 256) == (0, 0, 224, 224)


def test_a_saved_picture_comes_back_bit_for_bit():
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    again = fit(decode(encode_png(noise), max_pixels=LIMIT), 224, 256, "bilinear")
    assert np.array_equal(to_array(again), noise)


def test_the_crop_box_is_the_central_square():
    assert crop_box((512, 256), 224, 256) == (144, 16, 368, 240)
    assert crop_box((100, 50), 50, 50) == (25, 0, 75, 50)


def test_a_panorama_is_fitted_without_scaling_all_of_it():
    assert fit(photo(20_000, 8), 224, 256, "bilinear").size == (224, 224)


def test_programmers_mistakes_are_value_errors():
    with pytest.raises(ValueError, match="resize must be"):
        fit(photo(), 224, 200, "bilinear")
    with pytest.raises(ValueError, match="interpolation must be"):
        fit(photo(), 32, 32, "nearest")
    for array in (np.zeros((8, 8, 3)), np.zeros((3, 8, 8), np.uint8), np.zeros(8, np.uint8)):
        with pytest.raises(ValueError, match="picture must be uint8"):
            encode_png(array)


def test_arrays_are_writable_and_of_their_own():
    picture = photo()
    array = to_array(picture)
    assert array.shape == (48, 64, 3)
    assert array.flags.c_contiguous
    array[:] = 0
    assert to_array(picture).any()


def test_grey_and_colour_pictures_can_be_encoded():
    grey = to_array(photo())[..., 0]
    assert np.array_equal(pixels(encode_png(grey))[..., 1], grey)
    for picture in (grey, photo(), photo().convert("RGBA")):
        assert decode(encode_jpeg(picture), max_pixels=LIMIT).size == (64, 48)


def test_settings_travel_in_a_png():
    text = {"settings": '{"kind": "Attack", "epsilon": 1}', "note": "日本語 ×"}
    assert png_text(encode_png(photo(), text)) == text
    assert png_text(encode_png(photo())) == {}


def test_only_chunks_that_decide_the_pixels_reach_the_decoder():
    assert len(b"".join(png_pixels(FILES["png-many-ztxt-bombs"]))) < 1_000
    assert b"".join(png_pixels(FILES["honest-png"])) == FILES["honest-png"]


def test_a_thumbnail_keeps_the_shape():
    picture = photo(640, 320)
    assert decode(thumbnail(picture, 96), max_pixels=LIMIT).size == (96, 48)
    assert picture.size == (640, 320)


def test_a_content_key_is_the_sha256_of_the_file():
    assert content_key(b"cat") == "sha256:" + hashlib.sha256(b"cat").hexdigest()


def test_the_sample_cat_is_decoded_exactly():
    data = samples.read("sample:cat")
    with Image.open(io.BytesIO(data)) as file:
        assert np.array_equal(pixels(data), np.asarray(file.convert("RGB")))


@pytest.fixture
def real_photographs() -> list[Path]:
    beside = Path(__file__).parents[4] / "shared" / "data"
    place = Path(os.environ.get("TL_DATA_DIR", beside))
    found = sorted(place.glob("**/*.jpg"))[::97]
    if not found:
        pytest.skip("no photographs under TL_DATA_DIR or ../shared/data")
    return found[:40]


def test_real_photographs_are_read(real_photographs):
    for file in real_photographs:
        with Image.open(file) as reference:
            expected = ImageOps.exif_transpose(reference).convert("RGB")
        assert np.array_equal(pixels(file.read_bytes()), np.asarray(expected)), file.name


def test_a_lack_of_memory_is_not_called_a_damaged_photograph(monkeypatch):
    def fail(*_arguments, **_named):
        raise MemoryError

    monkeypatch.setattr("tl_core.images.decode._count_pixels", fail)
    with pytest.raises(UserError, match="too little memory"):
        decode(saved(photo(), "PNG"), max_pixels=10**6)
