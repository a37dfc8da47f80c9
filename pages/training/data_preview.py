"""Counts, thumbnails and warnings about a data set before training."""

from functools import partial

import streamlit as st

from pages.shared.live import watch_answer
from pages.shared.picture import data_url
from pages.shared.table import table
from pages.shared.words import _, ngettext, plain
from pages.training.modes import small_test
from pages.training.run import LOOK
from pages.training.squares import MOST, draw_squares
from pages.visit.state import Data
from tl_core.lab import gettext_noop as N_
from tl_core.specs.datasets import OWN_DATASET, ClassPreview, PreviewData, PreviewSnapshot

_NOT_TESTED = N_("To measure how good it is, record each thing again from another angle.")
_OPEN = 4  # classes whose thumbnails are seen at once
_IMBALANCE = 2.0
_NAMED = 8  # left-out files


def look_at(data: Data, seed: int) -> None:
    """Count and show what is there; a large folder is checked first, with progress.

    A visitor's own photographs are shown in their boxes already.
    """
    is_own = data.dataset == OWN_DATASET
    spec = PreviewData(**data.named, seed=seed, thumbnails=0 if is_own else MOST)
    watch_answer(spec, partial(_draw, is_own=is_own), name=LOOK, stop_key="stop_look")


def _draw(snapshot: PreviewSnapshot, *, is_own: bool) -> None:
    if not snapshot.classes:
        return
    _remarks(snapshot)
    if is_own:
        return
    for shown in snapshot.classes[:_OPEN]:
        _thumbnails(shown)
    rest = snapshot.classes[_OPEN:]
    if rest:
        with st.expander(
            ngettext("{count} more class", "{count} more classes", len(rest)).format(
                count=len(rest)
            )
        ):
            for shown in rest:
                _thumbnails(shown)
            counts = [
                {
                    _("Class"): shown.name,
                    _("For training"): shown.train,
                    _("For validation"): shown.validation,
                }
                for shown in snapshot.classes
            ]
            table(counts, key="look_counts")


def _remarks(snapshot: PreviewSnapshot) -> None:
    """The size of the data set, and what is wrong with it."""
    train = sum(found.train for found in snapshot.classes)
    tested = sum(found.validation for found in snapshot.classes)
    st.markdown(
        _(
            "**{classes} classes**: {train:,} photographs to learn from, {tested:,} kept for "
            "validation."
        ).format(classes=len(snapshot.classes), train=train, tested=tested)
    )
    if not tested:
        st.caption(_(_NOT_TESTED))
    if words := small_test(tested):
        st.caption(words)
    if snapshot.is_unlike_imagenet:
        words = _(
            "These pictures look nothing like ImageNet's (domain shift): a challenge for "
            "transfer learning."
        )
        st.info(words, icon=":material/bolt:")
    if snapshot.imbalance >= _IMBALANCE:
        st.warning(
            _(
                "Class imbalance: the largest class has {times:.1f} times as many photographs as "
                "the smallest. The network may learn to just bet on the largest."
            ).format(times=snapshot.imbalance)
        )
    if snapshot.duplicates:
        st.caption(
            _(
                "Exact copies among the photographs: {count}. We took {across} of them out of "
                "training, because the same photograph is used for validation."
            ).format(count=snapshot.duplicates, across=snapshot.duplicates_across)
        )
    if snapshot.left_out:
        names = ", ".join(map(plain, snapshot.left_out[:_NAMED]))
        words = _("Left out because they can't be read ({count}): {names}")
        st.warning(words.format(count=len(snapshot.left_out), names=names))


def _thumbnails(shown: ClassPreview) -> None:
    st.caption(
        _("**{name}** · {train} for training, {tested} for validation").format(
            name=plain(shown.name), train=shown.train, tested=shown.validation
        )
    )
    if shown.thumbnails:
        words = _("Photographs of {name}: {count}")
        draw_squares(
            [data_url(picture) for picture in shown.thumbnails],
            more=shown.train + shown.validation - len(shown.thumbnails),
            alt=words.format(name=shown.name, count=shown.train + shown.validation),
        )
