import hashlib
import io
import json
from dataclasses import replace

import pytest
import torch
import torchvision

from tests.app.conftest import settled, words
from tests.local_compute import local
from tests.server import Faults, FileServer
from tl_core.backbones.catalogue import DownloadableWeights
from tl_core.lab import BackboneState
from tl_core.specs.download import Download
from tl_core.specs.training import FineTune


@pytest.fixture
def page(open_page):
    return settled(open_page("backbones"))


def others(page):
    """The other networks' answers, by network."""
    return settled(page).dataframe[0].value.set_index("Backbone")


def table(page):
    """The table of all networks, by network."""
    found = next(frame for frame in page.dataframe if frame.key == "backbone_table")
    return found.value.set_index("Backbone")


def chosen_rows(page):
    return page.session_state.backbone_table["selection"]["rows"]


def test_the_cat_is_classified_at_once_and_the_other_ready_backbones_answer_too(page):
    assert "says: " in page.subheader[0].value
    assert "cat" in page.subheader[0].value
    answers = others(page)
    assert set(answers.index) == {"EfficientNet-Lite1", "EfficientNet-Lite2"}
    assert (answers["Probability"] > 10).all()
    assert (answers["ms"] > 0).all()


def test_the_first_thing_on_the_stage_is_the_photograph_with_what_is_seen_on_it_as_its_alt(page):
    picture = next(html.proto.body for html in page.get("html") if "<img" in html.proto.body)
    assert 'alt="Cat as EfficientNet-Lite0 sees it: tiger cat"' in picture


def test_the_rail_says_what_the_chosen_network_can_and_costs(page):
    assert [(m.label, m.value) for m in page.metric] == [
        ("ImageNet top-1 accuracy", "75.1\u00a0%"),
        ("Parameters", "4.7 M"),
        ("Computation per image", "0.41 GFLOPs"),
        ("Weights file", "18 MB"),
    ]
    assert all(m.proto.help for m in page.metric)  # what each means, in plain words
    assert "the one to start with" in words(page)


def test_the_table_lists_every_backbone_with_its_state_and_offers_what_is_not_here(page):
    rows = table(page)
    assert len(rows) == 9
    assert rows["State"]["EfficientNet-Lite0"] == "ready"
    assert not isinstance(rows["Download"]["EfficientNet-Lite0"], str)
    assert rows["Download"]["MobileNetV2"].endswith("14 MB")


def test_the_row_of_the_chosen_backbone_is_marked(page):
    assert chosen_rows(page) == [0]
    page.selectbox(key="backbone").set_value("efficientnet_lite2").run()
    assert chosen_rows(page) == [2]


def test_another_photograph_gets_another_answer(page):
    page.button_group(key="sample").set_value("sample:dalmatian").run()
    assert "dalmatian" in page.subheader[0].value


def test_another_backbone_is_asked_when_it_is_picked(page):
    page.selectbox(key="backbone").set_value("efficientnet_lite2").run()
    assert "EfficientNet-Lite2 says" in page.subheader[0].value


def test_a_backbone_that_is_not_here_offers_its_download_and_says_why_it_failed(page, app_lab):
    page.selectbox(key="backbone").set_value("mobilenet_v2").run()
    assert "MobileNetV2** is not on this machine yet: 14 MB" in words(page)
    page.button(key="download_backbone").click().run()
    download = next(
        found.download for found in app_lab.backbones.rows() if found.row.key == "mobilenet_v2"
    )
    assert download.wait(30)
    page.run()
    assert "The backbones that are ready work as before" in words(page)
    assert page.button(key="download_backbone")
    assert table(page)["State"]["MobileNetV2"] == "offline"


def test_a_download_that_visitors_may_not_start_is_not_offered(page, app_lab, monkeypatch):
    monkeypatch.setattr(app_lab.jobs, "_visitor_downloads", frozenset({"vgg16"}))
    page.selectbox(key="backbone").set_value("mobilenet_v2").run()
    assert "MobileNetV2** is not on this machine. Ask the person who runs the lab" in words(page)
    assert "python -m tl_core prepare mobilenet_v2" in words(page)
    assert "download_backbone" not in [button.key for button in page.button]
    assert page.button(key="use_ready")
    rows = table(page)
    assert rows["State"]["MobileNetV2"] == "not on this machine"
    assert not isinstance(rows["Download"]["MobileNetV2"], str)
    assert rows["Download"]["VGG-16"].endswith("528 MB")


def test_a_backbone_that_is_not_here_leaves_what_the_last_one_says_and_says_so(page):
    page.selectbox(key="backbone").set_value("efficientnet_lite2").run()
    page.selectbox(key="backbone").set_value("mobilenet_v2").run()
    assert "Until then, you'll see **EfficientNet-Lite2**" in words(page)
    assert "EfficientNet-Lite2 says: Egyptian cat" in words(page)
    assert page.button(key="use_ready").label == "Use EfficientNet-Lite2 instead"
    assert len(others(page)) == 2
    assert any("as EfficientNet-Lite2 sees it" in html.proto.body for html in page.get("html"))


def test_the_scatter_names_every_backbone_and_the_chosen_one_in_bold(page):
    figure = json.loads(page.get("plotly_chart")[1].proto.spec)
    names = [name for trace in figure["data"] for name in trace["text"]]
    assert len(names) == 9
    assert [name for name in names if "<b>" in name] == ["<b>EfficientNet-Lite0</b>"]


def test_a_damaged_file_is_offered_as_a_download_and_no_page_says_where_it_lies(page, app_lab):
    path = local(app_lab).context.backbones.weights.path(
        local(app_lab).context.backbones.rows["resnet18"]
    )
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"junk")
    page.selectbox(key="backbone").set_value("resnet18").run()
    path.unlink()
    assert not page.exception
    assert not page.error
    assert "ResNet-18** is damaged, or another file" in words(page)
    assert page.button(key="download_backbone")
    assert table(page)["State"]["ResNet-18"] == "damaged"
    assert table(page)["Download"]["ResNet-18"].endswith("45 MB")
    assert len(others(page)) == 2
    assert str(app_lab.settings.weights_dir) not in repr(page)


def test_a_damaged_package_is_no_download(page, app_lab, monkeypatch):
    row = local(app_lab).context.backbones.rows["efficientnet_lite1"]
    source = replace(row.source, sha256_prefix="0123abcd")
    monkeypatch.setitem(local(app_lab).context.backbones.rows, row.key, replace(row, source=source))
    page.selectbox(key="backbone").set_value(row.key).run()
    assert not page.exception
    assert "reinstall it" in page.warning[0].value
    assert len(others(page)) == 1
    assert not isinstance(table(page)["Download"][row.label], str)


def test_a_file_that_is_being_checked_is_waited_for(page, app_lab, monkeypatch):
    really = app_lab.backbones._state
    monkeypatch.setattr(
        app_lab.backbones,
        "_state",
        lambda row: BackboneState.CHECKING if row.key == "resnet18" else really(row),
    )
    page.selectbox(key="backbone").set_value("resnet18").run()
    assert not page.exception
    assert "Checking that the file of **ResNet-18**" in page.info[0].value


@pytest.fixture
def begin(page, app_lab, monkeypatch):
    """Press the button that downloads a network from this address."""

    def begun(key, url):
        rows = local(app_lab).context.backbones.rows
        source = DownloadableWeights(url, 1.0)
        monkeypatch.setitem(rows, key, replace(rows[key], source=source))
        context = replace(local(app_lab).context, settings=replace(app_lab.settings, mirror=""))
        monkeypatch.setattr(local(app_lab), "context", context)
        page.selectbox(key="backbone").set_value(key).run()
        page.button(key="download_backbone").click().run()

    return begun


def test_a_download_ends_with_the_backbone_ready_and_answering(page, app_lab, begin):
    file = io.BytesIO()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(torchvision.models.mobilenet_v2(weights=None).state_dict(), file)
    weights = file.getvalue()
    name = f"mobilenet_v2-{hashlib.sha256(weights).hexdigest()[:8]}.pth"
    with FileServer({name: weights}, Faults()) as server:
        begin("mobilenet_v2", server.url(name))
        assert app_lab.jobs._downloads[Download(name="mobilenet_v2")].wait(30)
        page.run()
    assert "MobileNetV2 says" in settled(page).subheader[0].value


def test_a_download_under_way_is_followed_in_its_row_and_can_be_cancelled_there(
    page, app_lab, begin
):
    with FileServer({"resnet50-0676ba61.pth": bytes(2**20)}, Faults(stall_after=2**19)) as server:
        begin("resnet50", server.url("resnet50-0676ba61.pth"))
        assert server.stalled.wait(30)
        page.run()
        row = table(page).loc["ResNet-50"]
        assert row["State"] == "downloading"
        assert 0 <= row["Progress"] <= 50
        assert row["Download"].endswith("Cancel")
        assert page.button(key="stop_download").label == "Cancel"
        page.button(key="stop_download").click().run()
        app_lab.jobs._downloads[Download(name="resnet50")].cancel()


def test_a_model_of_raw_pixels_which_no_backbone_is_under_is_chosen_without_an_error(
    open_page, app_lab
):
    page = open_page("backbones")
    visitor = page.session_state["visit"].id
    job = app_lab.jobs.submit(
        FineTune(dataset="digits", mode="pixels", photos_per_class=4, max_validation=20),
        visitor,
    )
    assert job.wait(120)
    page.run()
    page.selectbox(key="backbone").set_value(job.snapshot.result.model).run()
    assert not page.exception
