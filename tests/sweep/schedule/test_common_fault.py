"""When a sweep ends because all its trials fail alike."""

import pytest

from sweep.errors import SweepError
from sweep.result import TrialResult
from sweep.schedule.common_fault import CommonFault
from sweep.trial import Trial


def failed(seed: int, error: str = "ValueError: no") -> TrialResult:
    return TrialResult(Trial("test", seed=seed), "failed", error=error)


def test_eight_trials_that_fail_for_one_reason_end_the_sweep():
    fault = CommonFault()
    for seed in range(7):
        assert fault.given_up([failed(seed, f"ValueError: {seed} at 0x7f{seed}a")], last=False) == []
    with pytest.raises(
        SweepError, match=r"^every trial fails for one reason, 8 by now and none has finished: Val.* 7 at"
    ):
        fault.given_up([failed(7, "ValueError: 7 at 0x1")], last=False)


def test_results_that_were_held_back_count_once_a_pack_has_ended_well():
    fault = CommonFault()
    held = [failed(seed) for seed in range(3)]
    assert fault.given_up(held, last=False) == []
    assert fault.release() == held
    assert fault.release() == []
    # From then on each counts at once, however many there are.
    for seed in range(20):
        assert fault.given_up([failed(seed)], last=False) == [failed(seed)]


def test_two_reasons_are_no_common_one():
    fault = CommonFault()
    assert fault.given_up([failed(0)], last=False) == []
    other = failed(1, "KeyError: x")
    assert fault.given_up([other], last=False) == [failed(0), other]


def test_the_last_trials_of_a_short_plan_count():
    fault = CommonFault()
    assert fault.given_up([failed(0)], last=False) == []
    assert fault.given_up([failed(1)], last=True) == [failed(0), failed(1)]


def test_memory_that_runs_out_is_no_common_fault():
    fault = CommonFault()
    for seed in range(20):
        lacking = failed(seed, "out of memory: 3 GiB")
        assert fault.given_up([lacking], last=False) == [lacking]
