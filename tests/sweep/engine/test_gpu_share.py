"""What a process may take of a GPU; the calls to CUDA alone are replaced."""

import pytest
import torch

from sweep.engine import find_engine
from sweep.engine.resources import PROCESS_BYTES, claim_device
from sweep.errors import SweepError
from sweep.result import Setting
from sweep.trial import Trial

MEMORY = 16 * PROCESS_BYTES


@pytest.fixture
def caps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Shares at which PyTorch was capped, of a GPU of sixteen times what a process takes."""
    seen: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (MEMORY, MEMORY))
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda share, device: seen.append(share))
    return seen


def test_processes_that_share_a_gpu_fit_in_it_with_what_each_takes_beside(caps: list[float]) -> None:
    for share in (0.5, 0.25, 0.125):
        claim_device(Setting("cuda", gpu_share=share))
        assert 0 < caps[-1] <= share - PROCESS_BYTES / MEMORY
    claim_device(Setting("cuda:1"))
    assert caps[-1] == 1


def test_a_part_smaller_than_a_process_is_still_a_share(caps: list[float]) -> None:
    claim_device(Setting("cuda", gpu_share=1 / 32))
    assert caps == [1 / 64]


def test_a_cpu_is_not_capped(caps: list[float]) -> None:
    claim_device(Setting("cpu", gpu_share=0.5))
    assert caps == []


def test_a_gpu_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SweepError, match="torch finds no CUDA GPU for the device 'cuda'"):
        list(find_engine("torch")([Trial("test", dataset="digits")], Setting("cuda")))
