"""Which device a pack is placed on, and what it asks for."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.cost import GPUCostModel
from sweep.engine.memory import fused_width, pack_bytes
from sweep.pack import Pack
from sweep.schedule.forecast import Survey, forecast
from sweep.schedule.placement import (
    KINDS,
    SHARES,
    CostModels,
    Devices,
    Job,
    gpu_share,
    make_job,
    makespan,
    split,
)
from sweep.trial import Trial

GIGABYTE = 1e9
SECONDS = st.floats(0.1, 100)
JOBS = st.lists(st.builds(Job, st.sampled_from(SHARES), SECONDS, SECONDS), min_size=1, max_size=8)
DEVICES = st.builds(Devices, st.integers(1, 3), st.integers(1, 9))


def pack(size: int = 4, **fields) -> Pack:
    return Pack(tuple(Trial("test", seed=seed, **fields) for seed in range(size)))


@given(size=st.integers(1, 24), filters=st.sampled_from([1, 8, 64]), gigabytes=st.sampled_from([2, 8, 24, 80]))
def test_a_part_of_a_gpu_holds_the_pack_as_wide_as_the_engine_fuses_it(size, filters, gigabytes):
    asked, memory = pack(size, filters=filters, depth=4), gigabytes * GIGABYTE
    share = gpu_share(asked, memory)
    assert share in SHARES
    if share < 1:
        assert share * memory >= pack_bytes(asked.trials)
        assert fused_width(asked.trials[0], share * memory) >= size
    smaller = [each for each in SHARES if each < share]
    assert all(each * memory < max(pack_bytes(asked.trials), 2 * 2**30) for each in smaller)


def test_small_packs_share_a_large_gpu_and_not_a_small_one():
    assert [gpu_share(pack(filters=1), size * GIGABYTE) for size in (80, 12, 6, 3)] == [1 / 8, 1 / 4, 1 / 2, 1]


def test_a_whole_gpu_is_asked_for_where_nothing_is_known_or_a_part_was_too_little():
    small = pack(filters=1)
    assert make_job(small, None, CostModels()).share == 1
    assert make_job(small, 80 * GIGABYTE, CostModels()).share == 1 / 8
    assert make_job(small, 80 * GIGABYTE, CostModels(), whole_gpu=True).share == 1


def test_packs_that_share_a_gpu_share_its_arithmetic_and_overlap_their_launches():
    model, trials = GPUCostModel(), pack(filters=1).trials
    whole, eighth = (model.seconds(trials, len(trials), share) for share in (1, 1 / 8))
    assert whole < eighth < 8 * whole
    assert model.seconds(trials, 1) > whole


@given(JOBS, DEVICES)
def test_a_split_is_never_worse_than_one_kind_alone_and_near_the_best(jobs, devices):
    ends = {kinds: makespan(jobs, kinds, devices) for kinds in product(KINDS, repeat=len(jobs))}
    chosen = ends[tuple(split(jobs, devices))]
    assert chosen <= 1.001 * min(ends[("gpu",) * len(jobs)], ends[("cpu",) * len(jobs)])
    assert chosen <= 2 * min(ends.values())


def test_cpus_take_what_gains_least_by_a_gpu():
    jobs = [Job(1, 10, cpu) for cpu in (10, 20, 30, 1000, 1000, 1000)]
    kinds = split(jobs, Devices(1, 4))
    assert kinds[0] == "cpu"
    assert kinds[3:] == ["gpu"] * 3
    assert makespan(jobs, kinds, Devices(1, 4)) < 60


@pytest.mark.parametrize(("devices", "kind"), [(Devices(0, 4), "cpu"), (Devices(0, 0), "cpu")])
def test_without_gpus_all_is_for_cpus(devices, kind):
    assert split([Job(1, 1, 100)] * 3, devices) == [kind] * 3


def test_what_a_user_names_gets_all():
    jobs = [Job(1, 1, 100), Job(1, 100, 1)]
    assert split(jobs, Devices(2, 2), ("cpu",)) == ["cpu"] * 2
    assert split(jobs, Devices(0, 2), ("gpu",)) == ["gpu"] * 2


def test_a_forecast_counts_every_pack_once():
    packs = [pack(4, filters=filters, depth=depth) for filters in (1, 8, 32) for depth in (1, 4, 16)]
    seen = forecast(packs, Survey(Devices(2, 8, 80 * GIGABYTE), measured=frozenset({"cpu"})))
    gpu, cpu = seen.kinds
    assert gpu.packs + cpu.packs == len(packs)
    assert gpu.trials + cpu.trials == 4 * len(packs)
    assert sum(gpu.shares.values()) == gpu.packs
    assert seen.seconds >= max(gpu.estimated_seconds, cpu.estimated_seconds)
    assert (gpu.measured, cpu.measured) == (False, True)
    assert [each.kind for each in forecast(packs, Survey(Devices(0, 8))).kinds] == ["cpu"]
    empty = forecast([], Survey(Devices(2, 8)))
    assert (empty.seconds, empty.cpus_for_gpus) == (0, 0)


@pytest.mark.parametrize("memory", [None, 40 * GIGABYTE])
def test_a_forecast_says_how_many_processors_keep_the_gpus_busy(memory):
    packs = [pack(4, filters=1, depth=depth) for depth in range(1, 33)]
    seen = forecast(packs, Survey(Devices(2, 64, memory)))
    shares = {name: int(count) for name, count in seen.kinds[0].shares.items()}
    assert seen.cpus_for_gpus == (2 if memory is None else 16), shares
    assert forecast(packs[:1], Survey(Devices(2, 64, memory))).cpus_for_gpus == 1
