import sys

import psutil
import pytest
import torch

from tl_core.device import (
    give_back_freed_memory,
    has_bf16,
    keep_freed_memory,
    optimises_in_bf16,
)

MB = 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory so")
def test_memory_freed_between_small_things_is_given_back_when_asked():
    keep_freed_memory()
    large, small = [], []
    for _ in range(20):
        large.append(b"x" * 8 * MB)
        small.append(b"y" * 5000)  # keeps the heap from shrinking
    large.clear()
    kept = psutil.Process().memory_info().rss
    give_back_freed_memory()
    assert kept - psutil.Process().memory_info().rss > 100 * MB
    assert small


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16", ""])
def test_a_cpu_has_bf16_by_its_flags_and_one_picture_alone_does_not_use_it(monkeypatch, flag):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {flag: True})
    cpu = torch.device("cpu")
    assert has_bf16(cpu) is optimises_in_bf16(cpu, pictures=2) is bool(flag)
    assert not optimises_in_bf16(cpu, pictures=1)


def test_cuda_always_computes_in_bf16_and_mps_never():
    assert has_bf16(torch.device("cuda"))
    assert optimises_in_bf16(torch.device("cuda"), pictures=1)
    assert not has_bf16(torch.device("mps"))
