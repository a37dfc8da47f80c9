import shutil
from dataclasses import replace

import pytest

from pages.shared.tour import STOPS
from tests.app.conftest import settled, words
from tests.app.test_tour import on_tour
from tests.local_compute import local
from tests.server import Faults, FileServer
from tests.zips import zipped
from tl_core.lab import JobState
from tl_core.specs.datasets import ImportData
from tl_core.specs.download import OPERATOR

KEY = "microsoft_cats_and_dogs"
HANDFUL = "cats_and_dogs_handful"
HALF = 2**20  # bytes, about


def archive(pictures: list[bytes]) -> bytes:
    """Laid out as the publisher's: two classes, a file that no decoder reads, 2 MB of text."""
    photographs = [
        (f"PetImages/{('Cat', 'Dog')[number % 2]}/{number}.jpg", picture)
        for number, picture in enumerate(pictures)
    ]
    return zipped([*photographs, ("PetImages/Cat/666.jpg", b""), ("readme[1].txt", bytes(2**21))])


@pytest.fixture
def publisher(app_lab, labelled, monkeypatch):
    """The mirror of a closed network, with a small stand-in for the data sets."""
    pictures = [data for _label, data in labelled[:16]]
    data, datasets = archive(pictures), local(app_lab).context.datasets
    for key in (KEY, HANDFUL):
        row, count = datasets.rows[key], len(pictures)
        handful = row.source.handful and replace(row.source.handful, per_class=count // 2)
        source = replace(row.source, size_bytes=len(data), handful=handful)
        monkeypatch.setitem(datasets.rows, key, replace(row, source=source, photographs=count))
    with FileServer({source.file_name: data}) as server:
        monkeypatch.setattr(datasets, "settings", replace(datasets.settings, mirror=server.base))
        yield server


@pytest.fixture
def page(open_page):
    return open_page("teach").selectbox(key="dataset").set_value(KEY).run()


def begun(page, key=KEY):
    """The download, just begun."""
    page.button(key="download").click().run()
    return page.session_state["visit"].jobs[f"import {key}"]


def progress(page):
    """What the bar says when the page is drawn once more."""
    (bar,) = page.run().get("progress")
    return bar.proto.text


def test_a_data_set_is_downloaded_in_two_goes_looked_at_and_learned(page, publisher):
    assert "**Cats and dogs (Microsoft, 25,000)** is not on this machine yet" in words(page)
    publisher.faults = Faults(stall_after=HALF)
    first = begun(page)
    assert publisher.stalled.wait(30)
    while first.snapshot.step < HALF:
        progress(page)
    assert progress(page).startswith("downloading: 1.0 MB of ")
    page.button(key="cancel_download").click().run()
    assert first.wait(30)
    assert first.state is JobState.CANCELLED
    assert not page.run().error

    publisher.faults = Faults()
    second = begun(page)
    assert second.wait(60)
    assert second.error is None
    assert publisher.exchanges[-1].range == f"bytes={HALF}-"
    page = settled(page.run())
    assert page.selectbox(key="dataset").value == KEY
    assert "**2 classes**: 12 photographs to learn from, 4 kept" in words(page)
    assert "Left out because they can't be read (1): Cat/666.jpg" in words(page)

    page.button(key="start").click().run()
    ((_label, run),) = page.session_state["visit"].runs["teach"].jobs
    assert run.wait(120)
    assert run.error is None
    assert "which it never learned from" in words(settled(page.run()))


def test_what_the_server_downloads_by_itself_is_followed_and_cannot_be_cancelled(
    page, publisher, app_lab
):
    shutil.rmtree(app_lab.settings.data_dir / KEY, ignore_errors=True)
    publisher.faults = Faults(stall_after=HALF)
    job = app_lab.jobs.submit(ImportData(dataset=KEY), OPERATOR)
    assert publisher.stalled.wait(30)
    assert progress(page).startswith("downloading: ")
    assert "cancel_download" not in [button.key for button in page.button]
    app_lab.jobs.leave(job, OPERATOR)
    assert job.wait(30)


def test_a_newcomer_is_offered_a_small_download_and_takes_it_as_a_ready_set_later(
    open_page, publisher, app_lab, tmp_path, monkeypatch
):
    datasets = local(app_lab).context.datasets
    monkeypatch.setattr(datasets, "settings", replace(datasets.settings, data_dir=tmp_path))
    page = open_page("teach")
    offer = page.button(key="small_download")
    assert offer.label == "Get “Cats and dogs, a handful”: 12 MB to download"
    assert "Handwritten digits" in page.button(key="ready_set").label
    page = offer.click().run()
    assert "**Cats and dogs, a handful** is not on this machine yet: 12 MB" in words(page)
    job = begun(page, HANDFUL)
    assert job.wait(60)
    assert job.error is None
    page = settled(page.run())
    assert "**2 classes**: 12 photographs to learn from, 4 kept" in words(page)

    monkeypatch.delitem(datasets.rows, KEY)  # small here; all others that are left are large
    newcomer = open_page("teach")
    assert "Cats and dogs, a handful" in newcomer.button(key="ready_set").label
    assert "small_download" not in {button.key for button in newcomer.button}
    assert on_tour(open_page, len(STOPS)).selectbox(key="dataset").value == HANDFUL
