"""Options that a submission hands on to the `sweep run` that it starts."""

import pytest

from sweep.cli import app
from sweep.cli.options import ALL_TRIALS, AS_USUAL, PlanOptions, RunFlags, arguments

EVERY = PlanOptions(
    where="depth <= 8 and 'a b' != $x",
    set=("epochs=5", "depth=1,2"),
    limit=3,
    shard="2/8",
    margin=("ratio=0.1", "seed_noise=1"),
)
FLAGS = RunFlags(
    tracking="http://127.0.0.1:5000",
    device="cuda",
    pack_size=4,
    retry_failed=True,
    save_seconds=0.1 + 0.2,
    gpu_memory=24.5,
    report=False,
    engine="null",
)


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (ALL_TRIALS, AS_USUAL),
        (EVERY, FLAGS),
        (PlanOptions(where="-1 < depth", set=("-1=2",)), RunFlags(track=False, tracking="")),
    ],
)
def test_options_arrive_as_they_were_given(options: PlanOptions, flags: RunFlags) -> None:
    words = ["run", "grid", *arguments(options), *arguments(flags)]
    _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    assert bound.arguments.get("options", ALL_TRIALS) == options
    assert bound.arguments.get("flags", AS_USUAL) == flags
