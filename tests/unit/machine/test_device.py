import pytest
import torch

from tl_core.machine.device import has_bf16


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16", ""])
def test_a_cpu_has_bf16_by_its_flags(monkeypatch, flag):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {flag: True})
    assert has_bf16(torch.device("cpu")) is bool(flag)


def test_cuda_always_computes_in_bf16_and_mps_never():
    assert has_bf16(torch.device("cuda"))
    assert not has_bf16(torch.device("mps"))
