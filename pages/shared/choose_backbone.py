"""Choosing the visit's backbone, and downloading one that is not on this machine yet."""

import streamlit as st

from pages.shared import link
from pages.shared.live import POLL_S, drop, start
from pages.shared.own_models import own_models
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, number, plain, sentence
from tl_core.lab import BackboneState, BackboneStatus, Job, JobState, PackagedWeights
from tl_core.lab import gettext_noop as N_
from tl_core.specs.base import DEFAULT_BACKBONE
from tl_core.specs.download import Download, DownloadProgress

NOT_OFFERED = N_(
    "**{label}** is not on this machine. Ask the person who runs the lab to get it ({size}) with "
    "`python -m tl_core prepare {key}`."
)
_DAMAGED_PACKAGE = N_(
    "The weights of **{label}** are damaged inside their Python package. Ask the person who runs "
    "the lab to reinstall it; the other backbones work as before."
)

_WORDS = {  # by whether the file is damaged, and whether visitors may start its download
    (False, True): N_("**{label}** is not on this machine yet: {size} to download."),
    (False, False): NOT_OFFERED,
    (True, True): N_(
        "The weights file of **{label}** is damaged, or another file has its name. Download it "
        "again ({size}). The lab keeps the old one next to it, with *.damaged* added to its name."
    ),
    (True, False): N_(
        "The weights file of **{label}** is damaged, or another file has its name. Ask the person "
        "who runs the lab to get it again ({size}) with `python -m tl_core prepare {key}`."
    ),
}
_ABSENT = (BackboneState.DOWNLOADABLE, BackboneState.OFFLINE)


def choose_backbone() -> str:
    """Draw the picker; return the key of the visit's backbone, or of a visitor's own model."""
    labels = {key: label_of(key) for key in reversed(own_models())}
    for status in the_lab().backbones.rows():
        if status.state is BackboneState.READY:
            labels[status.row.key] = status.row.label
        elif status.state is not BackboneState.TOO_LARGE:
            labels[status.row.key] = f"{status.row.label} · {state_words(status)}"
    with link.kept("backbone", DEFAULT_BACKBONE, list(labels)):
        chosen = st.selectbox(
            _("Backbone"),
            list(labels),
            format_func=labels.__getitem__,
            key="backbone",
            label_visibility="collapsed",
        )
    return str(chosen)


def usable_for(key: str) -> str | None:
    """The backbone itself if it can be asked now, else the last chosen one that can, if any."""
    visit = the_visit()
    for found in (key, visit.backbone, DEFAULT_BACKBONE):
        if found in usable():
            visit.backbone = found
            return found
    return None


def offer(key: str, *, shown: str | None) -> None:
    """Say why a backbone cannot be asked now, and offer or follow its download.

    ``shown`` is what the page shows in its place.
    """
    for status in _found(key):
        _explain(status, shown)


def can_be_downloaded(status: BackboneStatus) -> bool:
    """Whether a download would help, none is under way, and visitors may start it."""
    if not the_lab().jobs.visitors_may_download(status.row.key):
        return False
    if status.state is BackboneState.DAMAGED:
        return not isinstance(status.row.source, PackagedWeights)
    return status.state in _ABSENT


def state_words(status: BackboneStatus) -> str:
    """Whether a backbone can be used now, in a few words."""
    if status.state in _ABSENT and not can_be_downloaded(status):
        return _("not on this machine")
    return _(status.state.value)


def begin_download(key: str) -> None:
    """Download the backbone; a refusal is shown."""
    start(lambda: the_lab().jobs.submit(Download(name=key), the_visit().id))


def usable() -> list[str]:
    """Keys of everything that can be asked now: the visitor's own models first."""
    return [*reversed(own_models()), *(row.key for row in the_lab().backbones.ready())]


def label_of(key: str) -> str:
    """What to call a backbone, or a visitor's own model."""
    own = the_lab().models.of(the_visit().id)
    if key in own:
        return _("Your model: {label}").format(label=own[key])
    return the_lab().backbones.row(key).label


def _found(key: str) -> list[BackboneStatus]:
    """The backbone's status; none of a visitor's own model, which is always ready."""
    return [status for status in the_lab().backbones.rows() if status.row.key == key]


def _explain(status: BackboneStatus, shown: str | None) -> None:
    """Say why a backbone cannot be used yet, and offer or follow its download."""
    row, job = status.row, status.download
    if status.state is BackboneState.CHECKING:
        _wait_for_check(row.key)
        return
    is_damaged = status.state is BackboneState.DAMAGED
    is_offered = the_lab().jobs.visitors_may_download(row.key)
    if is_damaged and isinstance(row.source, PackagedWeights):
        st.warning(_(_DAMAGED_PACKAGE).format(label=row.label), icon=":material/healing:")
        return
    with st.container(key="offer", border=True, horizontal=True, vertical_alignment="center"):
        words = _(_WORDS[is_damaged, is_offered])
        size = megabytes(row.source.size_mb)
        said = [words.format(label=row.label, size=size, key=row.key)]
        if shown is not None:
            words = _("Until then, you'll see **{label}**.")
            said.append(words.format(label=plain(label_of(shown))))
        if job is not None and job.state is JobState.FAILED and job.error is not None:
            words = _("{problem} The backbones that are ready work as before.")
            said.insert(0, ":material/cloud_off: " + words.format(problem=sentence(job.error)))
        st.markdown(" ".join(said))
        if job is not None and not job.is_over:
            _follow(job)
            return
        with st.container(horizontal=True, width="content"):
            words, icon = _("Download"), ":material/download:"
            if is_offered and st.button(words, key="download_backbone", icon=icon, type="primary"):
                begin_download(row.key)
                st.rerun()
            if shown is not None:
                words = _("Use {label} instead").format(label=plain(label_of(shown)))
                args = ("backbone", shown)
                st.button(words, key="use_ready", on_click=link.set_choice, args=args)


@st.fragment(run_every=POLL_S)
def _wait_for_check(key: str) -> None:
    (found,) = _found(key)
    if found.state is not BackboneState.CHECKING:
        st.rerun()
    words = _("Checking that the file of **{label}** arrived undamaged. This takes a few seconds.")
    st.info(words.format(label=found.row.label), icon=":material/hourglass_top:")


@st.fragment(run_every=POLL_S)
def _follow(job: Job) -> None:
    visitor = the_visit().id
    if job.is_over:
        st.rerun()
    progress, share, words = job.snapshot, 0.0, _("Connecting …")
    if isinstance(progress, DownloadProgress) and progress.total_bytes:
        share = progress.received_bytes / progress.total_bytes
        words = _("{done} of {total}, {speed} a second").format(
            done=megabytes(progress.received_bytes / 2**20),
            total=megabytes(progress.total_bytes / 2**20),
            speed=megabytes(progress.bytes_per_s / 2**20),
        )
    st.progress(min(share, 1.0), text=words)
    if visitor in job.owners and st.button(
        _("Cancel"), key="stop_download", icon=":material/close:"
    ):
        drop(job)


def megabytes(size_mb: float) -> str:
    """A size as text."""
    return _("{size} MB").format(size=number(size_mb, ",.0f" if size_mb >= 10 else ".1f"))
