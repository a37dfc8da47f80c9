"""Three lines of Python: the pages' work in the caller's thread."""

import copy
import gc
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import tl_core.library as tl
from tl_core.images import samples
from tl_core.images.decode import read_back
from tl_core.lab import Lab
from tl_core.specs.attack import Attack
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.feature_maps import FeatureMaps
from tl_core.specs.ideal import IdealImage

CAT, DOG = "sample:cat", "sample:dalmatian"


@pytest.fixture(scope="module")
def net() -> tl.Network:
    return tl.load("efficientnet-lite0", device="cpu")


@pytest.fixture(scope="module")
def pictures(labelled) -> dict[str, list[bytes]]:
    """Four dogs, four others."""
    found: dict[str, list[bytes]] = {"dogs": [], "others": []}
    for label, data in labelled:
        found["dogs" if 151 <= label <= 268 else "others"].append(data)
    return {name: files[:4] for name, files in found.items()}


def asked(lab: Lab, spec: Spec):
    job = lab.jobs.submit(spec, "ann")
    assert job.wait(60)
    assert job.error is None
    return job.snapshot


def test_importing_it_leaves_torch_alone():
    program = "import sys, tl_core.library; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_it_answers_as_the_pages_do(net, lab):
    data = samples.read(CAT)
    page = asked(lab, Classify(photo=CAT, top=3))
    assert net.classify(data, top=3).answers == page.answers
    shown = asked(lab, FeatureMaps(photo=CAT, layer="blocks.2.0"))
    assert net.feature_maps(data, "blocks.2.0").data == shown.mosaic.picture


def test_it_draws_what_the_page_draws_byte_by_byte(net, lab):
    found = net.ideal("Siamese cat", steps=6, tv=50, seed=3, precision="fp32")
    spec = IdealImage(target=284, steps=6, tv_weight=50, seed=3, precision="fp32")
    assert found.data == asked(lab, spec).png


def test_an_attack_is_the_pages_and_other_networks_judge_it(net, lab):
    other = tl.load("efficientnet-lite1", device="cpu")
    found = net.attack(samples.read(DOG), "Siamese cat", against=[other])
    assert found.is_fooled
    assert found.after.label == "Siamese cat"
    assert found.judges == {"EfficientNet-Lite1": other.classify(found.image).best}
    change = read_back(found.data).astype(int) - read_back(found.original)
    assert np.abs(change).max() == found.gap.linf_levels == 1
    page = asked(lab, Attack(photo=DOG, target=284))
    assert np.array_equal(read_back(found.data), read_back(page.picture))


def run_code(code: str, folder, monkeypatch) -> dict:
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(compile(code, "shown.py", "exec"), names)
    return names


def test_the_code_of_a_result_says_the_same_in_plain_pytorch(net, tmp_path, monkeypatch, capsys):
    (tmp_path / "my cat.png").write_bytes(samples.read(CAT))
    monkeypatch.chdir(tmp_path)
    found = net.classify("my cat.png", top=1)
    run_code(found.code, tmp_path, monkeypatch)
    assert found.best.label in capsys.readouterr().out
    maps = net.feature_maps("my cat.png", "blocks.4.0", top=9)
    names = run_code(maps.code, tmp_path, monkeypatch)
    assert tuple(names["most"].tolist()) == maps.channels
    fooled = net.attack("my cat.png", "Siamese cat", epsilon=1, steps=10)
    names = run_code(fooled.code, tmp_path, monkeypatch)
    assert names["probability"] == pytest.approx(fooled.probability, abs=0.05)
    why = net.attribute("my cat.png", target="tabby")
    assert run_code(why.code, tmp_path, monkeypatch)["target"] == why.target.index


def test_what_no_program_tells_has_no_code(net):
    data = samples.read(CAT)
    assert net.attribute(data, method="occlusion").code == ""
    assert net.attack(data, steps=2).code == ""
    assert net.ideal(0, layer="blocks.4.1", channel=1, steps=1).code == ""
    assert net.code == ""
    assert "target, steps, tv_weight, seed, size = 340, 2, 50, 3, 224" in (
        net.ideal("zebra", steps=2, tv=50, seed=3).code
    )


@pytest.fixture(scope="module")
def module(net) -> nn.Module:
    """A network as somebody brings it: the lab's, that knows nothing of the lab."""
    return copy.deepcopy(net.module)


HALF = (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def own(net, module) -> tl.Network:
    return tl.load(module, device="cpu", mean=HALF, std=HALF, classes=net.classes)


def test_a_module_of_ones_own_answers_as_in_plain_pytorch(own, net, module):
    data = samples.read(DOG)
    inputs = own.preprocess(data)
    with torch.inference_mode():
        shares = module(inputs).softmax(1)[0]
    best = own.classify(data).best
    assert (best.index, best.label) == (int(shares.argmax()), "dalmatian")
    assert best.probability == pytest.approx(float(shares.max()), abs=1e-4)
    shown = net.classify(data).image.convert("RGB")
    assert inputs.shape == (1, 3, *shown.size)
    theirs = torch.from_numpy(np.asarray(shown) / 127.5 - 1).permute(2, 0, 1)
    assert float((inputs[0] - theirs).abs().mean()) < 0.05  # another filter when resizing


def test_a_module_of_ones_own_has_every_verb(own, pictures):
    cat = samples.read(CAT)
    assert own.layers[-1] == "0.bn2"
    maps = own.feature_maps(cat, "0.blocks.2.0", top=4)
    assert (maps.layer.shape, maps.layer.receptive_field) == ((40, 28, 28), 35)
    why = own.attribute(samples.read(DOG), target="dalmatian")
    assert why.faithfulness.important < why.target.probability
    assert (
        own.ideal("Siamese cat", steps=3).probability
        > own.ideal("Siamese cat", steps=1).probability
    )
    assert own.attack(samples.read(DOG), "Siamese cat", epsilon=2).is_fooled
    taught = own.train(pictures, epochs=3)
    assert taught.training.result.is_measured
    assert {taught.classify(cat).code, own.classify(cat).code, taught.code} == {""}
    again = taught.train(pictures, mode="full", epochs=1)
    assert again.classes == ("dogs", "others")
    assert own.classify(samples.read(DOG)).best.label == "dalmatian"


def test_a_module_of_ones_own_stays_as_it_was(net):
    module = copy.deepcopy(net.module).train()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    taught = tl.load(module, device="cpu", classes=net.classes)
    taught.ideal(0, steps=1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert all(layer.training and not layer._forward_hooks for layer in module.modules())


def test_a_network_that_nobody_has_any_more_leaves_memory(module, net):
    held = net._engine.context.backbones.loaded_keys
    gc.collect()
    net.classify(samples.read(CAT))
    before = held()
    found = tl.load(module, device="cpu", classes=net.classes)
    assert len(held() - before) == 1
    del found
    gc.collect()
    net.classify(samples.read(CAT))
    assert held() == before


class Spots(nn.Module):
    """A small network whose last layer can be taken for something else."""

    def __init__(self, *, ends_in: nn.Module | None = None, scale: bool = False) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1)) if scale else 1.0
        self.conv = nn.Conv2d(3, 4, 3, stride=2)
        self.relu = nn.ReLU()
        self.head = nn.Linear(4, 2)
        self.end = ends_in or nn.Identity()

    def forward(self, inputs):
        return self.end(self.head(self.relu(self.conv(inputs)).mean((2, 3)) * self.scale))


SEVEN: Any = 7
TWO: Any = {"device": "cpu", "classes": ("spots", "stripes"), "size": 32}


def test_a_module_of_ones_own_starts_from_random_weights_where_it_can(pictures):
    own = tl.load(Spots(), **TWO)
    assert own.layers == ("conv", "relu")
    scratch = own.train(pictures, mode="scratch", epochs=1)
    before, after = own.module.state_dict(), scratch.module.state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in after if "conv" in name)
    with pytest.raises(tl.UserError, match="Spots, cannot draw its weights anew"):
        tl.load(Spots(scale=True), **TWO).train(pictures, mode="scratch", epochs=1)


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        (lambda: tl.load(SEVEN), "a module of PyTorch, not int"),
        (lambda: tl.load("efficientnet-lite0", size=300), "of a module of your own"),
        (lambda: tl.load(Spots(), device="cpu"), "has 2 classes"),
        (lambda: tl.load(Spots(), **TWO | {"classes": ("one", "one")}), "1 different names"),
        (lambda: tl.load(Spots(), **TWO | {"size": 4}), "between 8 and 2048"),
        (lambda: tl.load(Spots(), **TWO, std=(0, 1, 1)), "std above 0"),
        (lambda: tl.load(Spots(), **TWO, mean=(0.5,)), "three numbers"),
        (lambda: tl.load(Spots(ends_in=nn.Softmax(1)), **TWO), "end in a layer nn.Linear"),
        (lambda: tl.load(Spots(ends_in=nn.Unflatten(1, (1, 2))), **TWO), "one tensor"),
        (lambda: tl.load(nn.Conv2d(1, 2, 3), **TWO), "doesn't take pictures"),
        (lambda: tl.load(nn.Sequential(nn.Flatten(), nn.Linear(3072, 2)), **TWO), "convolutional"),
        (lambda: tl.load(Spots(), **TWO).save("a.safetensors"), "state_dict"),
        (lambda: tl.load(Spots(), **TWO).train({}, mode="last-block"), "head or full"),
    ],
)
def test_what_is_no_network_of_ones_own_is_refused_in_a_sentence(do, sentence):
    with pytest.raises(tl.UserError, match=sentence):
        do()


@pytest.mark.parametrize("kind", ["path", "bytes", "picture", "array"])
def test_a_photograph_comes_in_any_form(net, kind, tmp_path):
    data = samples.read(CAT)
    file = tmp_path / "cat.png"
    file.write_bytes(data)
    picture = Image.open(file).convert("RGB")
    forms = {"path": str(file), "bytes": data, "picture": picture, "array": np.asarray(picture)}
    assert net.classify(forms[kind]).best.label == "tiger cat"


def test_a_taught_network_has_all_verbs_and_survives_its_file(net, pictures, tmp_path):
    taught = net.train(pictures, epochs=3)
    assert taught.classes == ("dogs", "others")
    assert taught.training.result.is_measured
    assert net.classes[0] == "tench"
    path = tmp_path / "dogs.safetensors"
    taught.save(path)
    again = tl.load(path, device="cpu")
    dog = pictures["dogs"][0]
    assert again.classify(dog).answers == taught.classify(dog).answers
    assert again.attribute(dog, target="dogs").target.label == "dogs"


def test_a_data_set_of_the_lab_is_learned_by_its_name(net):
    taught = net.train("digits", photos_per_class=8, mode="pixels", epochs=2)
    assert taught.classes == tuple("0123456789")
    with pytest.raises(tl.UserError, match="nothing"):
        net.train("folder:nothing")


def test_a_taught_network_has_the_code_that_teaches_it(net, pictures, tmp_path, monkeypatch):
    for name, files in pictures.items():
        (tmp_path / "photographs" / name).mkdir(parents=True)
        for number, data in enumerate(files):
            (tmp_path / "photographs" / name / f"{number}.png").write_bytes(data)
    taught = net.train(tmp_path / "photographs")
    assert taught.classify(samples.read(CAT)).code == ""
    names = run_code(taught.code, tmp_path, monkeypatch)
    assert names["found"].classes == list(taught.classes)
    assert names["head"].out_features == 2
    assert len(names["pictures"]) == sum(map(len, pictures.values()))


def test_a_folder_is_taught_as_the_same_photographs_are(net, pictures, tmp_path):
    for name, files in pictures.items():
        (tmp_path / name).mkdir()
        for number, data in enumerate(files):
            (tmp_path / name / f"{number}.jpg").write_bytes(data)
    one, other = net.train(tmp_path, epochs=2), net.train(pictures, epochs=2)
    dog = pictures["dogs"][0]
    assert one.classify(dog).answers == other.classify(dog).answers


def test_plain_pytorch_says_the_same(net):
    with torch.inference_mode():
        shares = net.module(net.preprocess(samples.read(CAT))).softmax(1)[0]
    best = net.classify(samples.read(CAT)).best
    assert int(shares.argmax()) == best.index
    assert float(shares.max()) == pytest.approx(best.probability, abs=1e-4)


def test_a_callback_stops_the_work_and_the_picture_so_far_is_the_result(net):
    seen = []
    found = net.ideal(340, steps=1000, callback=lambda now: seen.append(now.step) or now.step >= 2)
    assert 2 <= found.steps == seen[-1] < 1000
    assert found.image.size == (224, 224)


def test_an_interrupted_verb_leaves_a_usable_network(net):
    def interrupt(_snapshot):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.ideal(340, steps=50, callback=interrupt)
    assert net.classify(samples.read(CAT)).best.label == "tiger cat"
    assert not any(module._forward_hooks for module in net.module.modules())


def test_no_thread_and_no_setting_of_torch_is_left_behind(net):
    before = threading.active_count(), torch.get_num_threads(), torch.is_grad_enabled()
    state = torch.get_rng_state()
    net.ideal(340, steps=2)
    net.attack(samples.read(DOG), steps=2)
    assert (threading.active_count(), torch.get_num_threads(), torch.is_grad_enabled()) == before
    assert torch.equal(torch.get_rng_state(), state)


def test_a_second_thread_is_refused_in_a_sentence(net):
    refused = []

    def meanwhile(_snapshot):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        return True

    def ask():
        try:
            net.classify(samples.read(CAT))
        except tl.UserError as error:
            refused.append(str(error))

    net.ideal(340, steps=50, callback=meanwhile)
    assert "at work in another thread" in refused[0]


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        (lambda net: tl.load("efficientnet-lite9"), "no backbone called efficientnet_lite9"),
        (lambda net: tl.load("none.safetensors"), "none.safetensors cannot be read"),
        (lambda net: net.attack(samples.read(CAT), "goldfsh"), "Did you mean: goldfish"),
        (lambda net: net.ideal("siamese"), "Did you mean: Siamese cat"),
        (lambda net: net.classify("nowhere.jpg"), "nowhere.jpg cannot be read"),
        (lambda net: net.classify(b"no photograph"), "not a photograph"),
        (lambda net: net.classify(np.zeros((8, 8))), "uint8 and shape"),
        (lambda net: net.classify(7), "not int"),
        (lambda net: net.train("nowhere"), "nowhere is no folder with"),
        (lambda net: net.train({"one": [samples.read(CAT)]}), "2 to 20 classes"),
        (lambda net: net.save("model.bin"), "ends in .safetensors"),
    ],
)
def test_mistakes_are_refused_in_a_sentence(net, do, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tl.UserError, match=sentence):
        do(net)


def test_results_show_themselves_in_a_notebook_and_on_a_line(net, tmp_path):
    found = net.classify(samples.read(CAT))
    assert repr(found).startswith("<Answers: tiger cat 39.")
    assert 'alt="tiger cat' in found._repr_html_()
    found.save(tmp_path / "seen.jpg")
    assert Path(tmp_path / "seen.jpg").read_bytes() == found.data
