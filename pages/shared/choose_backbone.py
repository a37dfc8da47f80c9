"""Choosing the visit's backbone, and downloading one that is not on this machine yet."""

import streamlit as st

from pages.shared import link
from pages.shared.live import start
from pages.shared.visit import the_lab, the_visit
from pages.shared.words import _, sentence
from tl_core.lab import BackboneState, BackboneStatus, Job, JobState, PackagedWeights
from tl_core.specs import DEFAULT_BACKBONE, Download, DownloadProgress

_MISSING = "**{label}** is not on this machine yet: {size} to download."
_DAMAGED = (
    "The file with the weights of **{label}** is damaged, or another file of that name. Download "
    "it again ({size}); the lab keeps the old one beside it, with *.damaged* after its name."
)
_DAMAGED_PACKAGE = (
    "The weights of **{label}** are damaged in the Python package that brings them. Whoever runs "
    "the lab installs that package again; the other backbones work as before."
)


def choose_backbone(*, panel: str = "") -> str | None:
    """Draw the picker; return the visit's backbone, or ``None`` while it cannot be used.

    ``panel`` is added to the keys of the download's buttons, on pages that have a ``download`` or a
    ``stop`` of their own.
    """
    found = {status.row.key: status for status in the_lab().backbones.rows()}
    own = the_lab().models.of(the_visit().id)
    labels = {key: label_of(key) for key in reversed(own)} | {
        key: _label(status)
        for key, status in found.items()
        if status.state is not BackboneState.TOO_LARGE
    }
    link.restore("backbone", list(labels), DEFAULT_BACKBONE)
    chosen = st.selectbox(
        _("Backbone"),
        list(labels),
        format_func=labels.__getitem__,
        key="backbone",
        help=_("The pretrained network that all pages use. The Backbones page compares them."),
    )
    link.save("backbone")
    if chosen in own or found[chosen].state is BackboneState.READY:
        return str(chosen)
    download_panel(found[chosen], panel)
    return None


def usable() -> list[str]:
    """Keys of everything that can be asked now: the visitor's own models first."""
    ready = [row.key for row in the_lab().backbones.ready()]
    return [*reversed(the_lab().models.of(the_visit().id)), *ready]


def label_of(key: str) -> str:
    """What to call a backbone, or a visitor's own model."""
    own = the_lab().models.of(the_visit().id)
    return (
        _("Your model: {label}").format(label=own[key])
        if key in own
        else the_lab().backbones.row(key).label
    )


def download_panel(status: BackboneStatus, panel: str) -> None:
    """Offer, follow or explain the download of a backbone."""
    job = status.download
    if status.state is BackboneState.CHECKING:
        _wait_for_check(status.row.key)
        return
    is_damaged = status.state is BackboneState.DAMAGED
    if is_damaged and isinstance(status.row.source, PackagedWeights):
        st.warning(_(_DAMAGED_PACKAGE).format(label=status.row.label), icon=":material/healing:")
        return
    with st.container(border=True):
        words = _(_DAMAGED) if is_damaged else _(_MISSING)
        st.markdown(words.format(label=status.row.label, size=megabytes(status.row.source.size_mb)))
        if job is not None and not job.is_over:
            _follow(job, panel)
            return
        if job is not None and job.state is JobState.FAILED and job.error is not None:
            st.warning(
                sentence(job.error) + " " + _("The backbones that are ready work as before."),
                icon=":material/cloud_off:",
            )
        words, icon = _("Download"), ":material/download:"
        if st.button(words, key=f"download{panel}", icon=icon, type="primary"):
            start(lambda: the_lab().jobs.submit(Download(name=status.row.key), the_visit().id))
            st.rerun()


@st.fragment(run_every=0.5)
def _wait_for_check(key: str) -> None:
    found = next(status for status in the_lab().backbones.rows() if status.row.key == key)
    if found.state is not BackboneState.CHECKING:
        st.rerun()
    st.info(
        _("The file of **{label}** is being compared with its checksum, a few seconds.").format(
            label=found.row.label
        ),
        icon=":material/hourglass_top:",
    )


@st.fragment(run_every=0.5)
def _follow(job: Job, panel: str) -> None:
    visitor = the_visit().id
    if job.is_over:
        st.rerun()
    progress = job.snapshot
    if isinstance(progress, DownloadProgress) and progress.total_bytes:
        share = progress.received_bytes / progress.total_bytes
        st.progress(min(share, 1.0), text=_progress_words(progress))
    else:
        st.progress(0.0, text=_("Connecting …"))
    is_mine = visitor in job.owners
    if is_mine and st.button(_("Cancel"), key=f"stop{panel}", icon=":material/close:"):
        the_lab().jobs.leave(job, visitor)  # it goes on for others who wait for it


def _progress_words(progress: DownloadProgress) -> str:
    return _("{done} of {total}, {speed} a second").format(
        done=megabytes(progress.received_bytes / 2**20),
        total=megabytes((progress.total_bytes or 0) / 2**20),
        speed=megabytes(progress.bytes_per_s / 2**20),
    )


def megabytes(size_mb: float) -> str:
    """A size as text."""
    return f"{size_mb:,.0f} MB" if size_mb >= 10 else f"{size_mb:.1f} MB"


def _label(status: BackboneStatus) -> str:
    if status.state is BackboneState.READY:
        return status.row.label
    return f"{status.row.label} · {_(status.state.value)}"
