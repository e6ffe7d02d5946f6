"""Which trials are computed together."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sweep.engine.fusion import fusion_groups, network_bytes
from sweep.trial import Trial

WIDEST_ON_CPU = 16


@st.composite
def packs(draw: st.DrawFn) -> list[Trial]:
    filters = draw(st.sampled_from([1, 2, 4, 5, 8, 64]))
    activations = draw(st.lists(st.sampled_from(["relu", "tanh", "gelu", "sigmoid"]), min_size=1, max_size=40))
    return [Trial("test", filters=filters, activation=name, seed=i) for i, name in enumerate(activations)]


@given(packs())
def test_groups_on_a_cpu_are_a_partition_of_few_networks_of_one_activation(trials: list[Trial]) -> None:
    groups = fusion_groups(trials, "cpu")
    assert sorted(index for group in groups for index in group) == list(range(len(trials)))
    assert all(len({trials[index].activation for index in group}) == 1 for group in groups)
    widest = WIDEST_ON_CPU if trials[0].filters <= 4 else 1
    assert all(1 <= len(group) <= widest for group in groups)


@given(packs())
def test_trials_of_one_activation_keep_their_order(trials: list[Trial]) -> None:
    order = [index for group in fusion_groups(trials, "cpu") for index in group]
    for name in {trial.activation for trial in trials}:
        places = [index for index in order if trials[index].activation == name]
        assert places == sorted(places)


@pytest.mark.parametrize(("fitting", "sizes"), [(100, [10]), (5, [4, 4, 2]), (1, [1] * 10), (0, [1] * 10)])
def test_a_gpu_takes_what_fits(monkeypatch: pytest.MonkeyPatch, fitting: int, sizes: list[int]) -> None:
    trials = [Trial("test", activation=("relu", "tanh")[i % 2], seed=i) for i in range(10)]
    memory = int((fitting + 0.5) * network_bytes(trials[0]) / 0.6)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (memory // 3, memory))
    groups = fusion_groups(trials, "cuda")
    assert [len(group) for group in groups] == sizes
    assert sorted(index for group in groups for index in group) == list(range(10))


@pytest.mark.parametrize(("share", "widest"), [(1.0, 8), (0.5, 4), (0.25, 2), (0.125, 1)])
def test_a_share_of_a_gpu_takes_what_fits_in_it(monkeypatch: pytest.MonkeyPatch, share: float, widest: int) -> None:
    trials = [Trial("test", seed=i) for i in range(8)]
    memory = int(8.5 * network_bytes(trials[0]) / 0.6)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (memory, memory))
    groups = fusion_groups(trials, "cuda", share)
    assert max(map(len, groups)) == widest
    assert sorted(index for group in groups for index in group) == list(range(8))


@given(st.sampled_from(["filters", "depth", "batch_size"]), st.integers(1, 64))
def test_larger_networks_and_batches_take_more_memory(name: str, value: int) -> None:
    small, large = (Trial("test").but(**{name: size}) for size in (value, 2 * value))
    assert 0 < network_bytes(small) < network_bytes(large)
