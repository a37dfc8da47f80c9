import hashlib
import io
import json
from dataclasses import replace

import pytest
import torch
import torchvision

from tests.app.conftest import words
from tests.server import Faults, FileServer
from tl_core import specs
from tl_core.backbones.catalogue import DownloadableWeights
from tl_core.lab import BackboneState


@pytest.fixture
def page(open_page):
    return open_page("backbones")


def test_the_cat_is_classified_at_once_and_all_ready_backbones_answer(page):
    assert "says: " in page.subheader[0].value
    assert "cat" in page.subheader[0].value
    side_by_side = page.dataframe[1].value
    assert len(side_by_side) == 3
    assert (side_by_side["Confidence"] > 10).all()


def test_the_table_lists_every_backbone_with_its_state(page):
    table = page.dataframe[0].value
    assert len(table) == 9
    assert table.set_index("Backbone")["State"]["EfficientNet-Lite0"] == "ready"


def test_another_photograph_gets_another_answer(page):
    page.button_group(key="sample").set_value("sample:dalmatian").run()
    assert "dalmatian" in page.subheader[0].value


def test_another_backbone_is_asked_when_it_is_picked(page):
    page.selectbox(key="backbone").set_value("efficientnet_lite2").run()
    assert "EfficientNet-Lite2 says" in page.subheader[0].value


def test_a_backbone_that_is_not_here_offers_its_download_and_says_why_it_failed(page, app_lab):
    page.selectbox(key="backbone").set_value("mobilenet_v2").run()
    assert "MobileNetV2** is not on this machine yet: 14 MB" in words(page)
    page.button(key="download").click().run()
    download = next(
        found.download for found in app_lab.backbones.rows() if found.row.key == "mobilenet_v2"
    )
    assert download.wait(30)
    page.run()
    assert "The backbones that are ready work as before" in page.warning[0].value
    assert page.button(key="download")


def test_the_scatter_marks_the_chosen_backbone(page):
    figure = json.loads(page.get("plotly_chart")[1].proto.spec)
    assert "EfficientNet-Lite0" in figure["layout"]["annotations"][0]["text"]


def test_a_damaged_file_is_offered_as_a_download_and_no_page_says_where_it_lies(page, app_lab):
    path = app_lab._context.backbones.weights.path(app_lab._context.backbones.rows["resnet18"])
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"junk")
    page.selectbox(key="backbone").set_value("resnet18").run()
    path.unlink()
    assert not page.exception
    assert not page.error
    assert "ResNet-18** is damaged, or another file" in words(page)
    assert page.button(key="download")
    assert page.dataframe[0].value.set_index("Backbone")["State"]["ResNet-18"] == "damaged"
    assert len(page.dataframe[1].value) == 3
    assert str(app_lab.settings.weights_dir) not in repr(page)


def test_a_damaged_package_is_no_download(page, app_lab, monkeypatch):
    row = app_lab._context.backbones.rows["efficientnet_lite1"]
    source = replace(row.source, sha256_prefix="0123abcd")
    monkeypatch.setitem(app_lab._context.backbones.rows, row.key, replace(row, source=source))
    page.selectbox(key="backbone").set_value(row.key).run()
    assert not page.exception
    assert "installs that package again" in page.warning[0].value
    assert len(page.dataframe[1].value) == 2


def test_a_file_that_is_being_checked_is_waited_for(page, app_lab, monkeypatch):
    really = app_lab.backbones._state
    monkeypatch.setattr(
        app_lab.backbones,
        "_state",
        lambda row: BackboneState.CHECKING if row.key == "resnet18" else really(row),
    )
    page.selectbox(key="backbone").set_value("resnet18").run()
    assert not page.exception
    assert "ResNet-18** is being compared" in page.info[0].value


def test_a_download_ends_with_the_backbone_ready_and_answering(page, app_lab, monkeypatch):
    file = io.BytesIO()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(torchvision.models.mobilenet_v2(weights=None).state_dict(), file)
    weights, rows = file.getvalue(), app_lab._context.backbones.rows
    name = f"mobilenet_v2-{hashlib.sha256(weights).hexdigest()[:8]}.pth"
    with FileServer({name: weights}, Faults()) as server:
        source = DownloadableWeights(f"{server.base}/{name}", len(weights) / 2**20)
        monkeypatch.setitem(rows, "mobilenet_v2", replace(rows["mobilenet_v2"], source=source))
        context = replace(app_lab._context, settings=replace(app_lab.settings, mirror=""))
        monkeypatch.setattr(app_lab, "_context", context)
        page.selectbox(key="backbone").set_value("mobilenet_v2").run()
        page.button(key="download").click().run()
        assert app_lab.jobs._downloads[specs.Download(name="mobilenet_v2")].wait(30)
        page.run()
    assert "MobileNetV2 says" in page.subheader[0].value


def test_a_model_of_raw_pixels_which_no_backbone_is_under_is_chosen_without_an_error(
    open_page, app_lab
):
    page = open_page("backbones")
    visitor = page.session_state["visit"].id
    job = app_lab.jobs.submit(
        specs.FineTune(dataset="digits", mode="pixels", photos_per_class=4, max_validation=20),
        visitor,
    )
    assert job.wait(120)
    page.run()
    page.selectbox(key="backbone").set_value(job.snapshot.result.model).run()
    assert not page.exception
