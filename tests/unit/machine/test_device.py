import pytest
import torch

from tl_core.machine.device import has_bf16, optimises_in_bf16


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
