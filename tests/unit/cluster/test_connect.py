import importlib.util
import subprocess
import sys

import pytest

from tl_core.cluster import connect
from tl_core.cluster.connect import chosen_cluster
from tl_core.cluster.machines import Machines, divide
from tl_core.errors import UserError


def node(alive: bool = True, **resources: float) -> dict[str, object]:
    return {"Alive": alive, "Resources": {"memory": 1e9, **resources}}


def test_each_graphics_card_is_a_machine():
    nodes = [node(CPU=16, GPU=2), node(CPU=8, GPU=4), node(CPU=64), node(alive=False, GPU=8)]
    assert divide(nodes, 4) == Machines(6, is_gpu=True, cores=0, share=1 / 4)


def test_without_cards_so_many_cores_are_a_machine():
    nodes = [node(CPU=16), node(CPU=8), node()]
    assert divide(nodes, 4) == Machines(6, is_gpu=False, cores=4, share=1 / 4)


def test_a_machine_is_no_larger_than_the_smallest_node():
    assert divide([node(CPU=2), node(CPU=8)], 4) == Machines(5, is_gpu=False, cores=2, share=1 / 4)


def test_a_cluster_without_cores_has_no_machine():
    assert divide([node()], 4).count == 0


@pytest.mark.parametrize(
    ("setting", "device", "cards", "chosen"),
    [
        ("auto", "auto", 0, ""),
        ("auto", "auto", 1, ""),
        ("auto", "auto", 2, "local"),
        ("auto", "cuda:1", 2, ""),
        ("local", "auto", 0, "local"),
        ("ray://head:10001", "auto", 0, "ray://head:10001"),
    ],
)
def test_a_cluster_is_used_where_it_is_named_or_there_are_several_cards(
    monkeypatch, tmp_path, setting, device, cards, chosen
):
    for number in range(cards):
        (tmp_path / str(number)).mkdir()
    monkeypatch.setattr(connect, "_GPUS", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert chosen_cluster(setting, device) == chosen


def test_cards_that_this_process_may_not_use_do_not_count(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert chosen_cluster("auto", "auto") == ""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert chosen_cluster("auto", "auto") == "local"


def test_without_ray_a_named_cluster_is_refused_and_nothing_else_changes(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert chosen_cluster("auto", "auto") == ""
    with pytest.raises(UserError, match=r"pip install -r requirements-cluster\.txt"):
        chosen_cluster("local", "auto")


def test_the_lab_is_loaded_without_torch_and_without_ray():
    code = "import sys, tl_core.lab; print([n for n in ('torch', 'ray') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
