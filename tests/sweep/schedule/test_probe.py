"""What is asked of a cluster before a sweep."""

import contextlib

import pytest

from sweep.errors import SweepError
from sweep.pack import Pack
from sweep.schedule import probe
from sweep.trial import Trial


@pytest.mark.parametrize("calibrated", [True, False])
def test_a_cluster_that_has_only_a_head_is_one_sentence(calibrated: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "connected", lambda address: contextlib.nullcontext())
    monkeypatch.setattr(probe, "counts", lambda: (0, 0))
    with pytest.raises(SweepError, match=r"at head:1 has no processor at the moment; plan for a number") as refused:
        probe.survey_cluster("head:1", [Pack((Trial("test", dataset="digits"),))], calibrated)
    assert refused.value.parameters == ("cpus",)
