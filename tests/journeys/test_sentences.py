"""The visitor tells the lab's sentences from accidents."""

import pytest

from tests.journeys.sentences import is_ours
from tl_core.errors import UserError
from tl_core.images.decode import decode


@pytest.mark.parametrize(
    "text",
    [
        "The lab is full: 200 runs are waiting, 6 of them yours. Stop one of yours, or try again "
        "when one of them has started.",
        "You already have 6 runs going. Stop one, or wait until one is done.",
        "Left out because they aren't photographs: a.jpg, {b}.png",
        "You already have 6 runs going. Stop one, or wait until one is done. "
        "The backbones that are ready work as before.",
    ],
)
def test_a_sentence_of_the_lab_is_known_whatever_fills_it(text):
    assert is_ours(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "KeyError: 'sample'",
        "Traceback (most recent call last)",
        "This app has encountered an error.",
        "Something went wrong inside the lab; its log has the details. Please try again.",
        "The lab is full right now. Please try again in a minute. list index out of range",
    ],
)
def test_an_accident_is_not(text):
    assert not is_ours(text)


def test_what_a_decoder_refuses_is_told_in_a_sentence_of_the_lab():
    with pytest.raises(UserError) as refused:
        decode(b"<html>", max_pixels=100)
    assert is_ours(str(refused.value))
