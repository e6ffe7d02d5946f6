"""What every column of a store's tables means, in which unit, and when it is null."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from sweep.parts import FACTORS


@dataclass(frozen=True)
class Meaning:
    """What a column is, its unit where it has one, and when it is null."""

    text: str
    unit: str = ""
    null: str = ""


_UNFINISHED = "the trial did not finish"
_LOST = "the network is of a kind that this program does not know"
_IDENTITY = {
    "trial_id": Meaning("identity of the trial: a hash of its factors; two equal trials have the same everywhere"),
    "pair_id": Meaning("identity that the sides of a matched pair share: of all factors but the arrangement"),
}
_SIZES = {
    "parameters": Meaning("trained values of the network"),
    "forward_flops": Meaning("operations of one image's forward pass; a multiply-add counts as two", "FLOPs"),
    "determination_ratio": Meaning("Q: training images times classes over parameters"),
    "classes": Meaning("classes of the data set", "", _LOST),
    "blocks": Meaning("blocks of the network", "", _LOST),
    "layers_per_block": Meaning("weighted layers in its first block", "", _LOST),
}
_LOSSES = {
    "train_loss": Meaning("mean cross-entropy of the training images", "nats"),
    "train_accuracy": Meaning("share of the training images that are classified rightly", "0 to 1"),
    "val_loss": Meaning("mean cross-entropy of the validation images", "nats"),
    "val_accuracy": Meaning("share of the validation images that are classified rightly", "0 to 1"),
    "gradient_norm": Meaning("mean norm of the gradient over the optimiser steps of an epoch"),
}
_TRIALS = {
    "status": Meaning("finished, diverged (a loss or gradient ceased to be finite) or failed (an error)"),
    "error": Meaning("message of the error", "", "the trial did not fail"),
    "diverged_epoch": Meaning("epoch in which a loss or gradient ceased to be finite", "", "the trial did not diverge"),
    "epochs_run": Meaning("epochs that were trained"),
    **{name: Meaning(f"of the last epoch: {of.text}", of.unit, _UNFINISHED) for name, of in _LOSSES.items()},
    "seconds": Meaning("the trial's share of the time of all trials trained with it", "s"),
    "fused_with": Meaning("how many networks were trained as one with it, itself among them; 0 where none began"),
    "peak_memory_bytes": Meaning("most memory that its worker took", "bytes"),
    "device": Meaning("what trained it: the processor's name or the GPU's"),
    "kernel": Meaning(
        "what trained its network: native, the compiled kernel, or torch", "", "an earlier version wrote it"
    ),
    "finished_at": Meaning("when it ended", "UTC"),
}
_KNOWN = {
    "status": Meaning("finished, diverged, failed, or missing where it is only planned"),
    **{name: _TRIALS[name] for name in _LOSSES},
}
_CURVES = {
    "epoch": Meaning("epoch, from 1"),
    **_LOSSES,
    "train_loss": Meaning(
        "mean cross-entropy of the training images, while the epoch ran; of the last one, afterwards", "nats"
    ),
    "train_accuracy": Meaning("share of the training images that are classified rightly, likewise", "0 to 1"),
    "seconds": Meaning("the trial's share of the epoch's time", "s"),
}
_MEASUREMENTS = {
    "measurement": Meaning("what was done to the network, such as delete-one"),
    "subject": Meaning("what it was done to, such as the numbers of blocks; may be empty"),
    "size": Meaning("how much of it, such as blocks deleted or the length of a path"),
    "draw": Meaning("number of the random draw, from 0"),
    "metric": Meaning("what the value is, such as error, a share of images, or loss, in nats"),
    "value": Meaning("the number measured", "", "it is not defined, as the loss of a broken network"),
    "epoch": Meaning("epochs that the network had been trained for", "", "it is the trained network"),
}
_PAIRS = {
    "contrast": Meaning("what is compared: parallel/sequential, mixed/sequential or parallel/mixed"),
    **{
        f"{side}_{name}": Meaning(f"{text} of the side with {more} stages")
        for side, more in (("sequential", "more"), ("parallel", "fewer"))
        for name, text in (
            ("stages", "sequential stages"),
            ("id", "trial_id"),
            ("status", "status, missing where it is only planned,"),
        )
    },
    "sequential": Meaning("the metric of the side with more stages", "", _UNFINISHED),
    "parallel": Meaning("the metric of the side with fewer stages", "", _UNFINISHED),
    "difference": Meaning("parallel minus sequential", "", "a side did not finish"),
    "ratio": Meaning("parallel over sequential", "", "a side did not finish, or the other is 0"),
}


def meanings(table: str) -> dict[str, Meaning]:
    """The meaning of each column of a table, as queries name it; tables of pairs all have the same columns."""
    factors = {name: Meaning(factor.meaning) for name, factor in FACTORS.items()}
    planned = _IDENTITY | factors | _SIZES
    return {
        "trials": planned | _TRIALS,
        "curves": {"trial_id": _IDENTITY["trial_id"]} | _CURVES,
        "measurements": {"trial_id": _IDENTITY["trial_id"]} | _MEASUREMENTS,
        "plan": planned,
        "known": planned | _KNOWN,
    }.get(table, planned | _PAIRS)


def described(name: str, table: pa.Table) -> pa.Table:
    """A table whose schema says what its columns mean, in the metadata of its fields; Parquet files keep that."""
    known = meanings(name)
    fields = [
        field.with_metadata(_metadata(known[field.name])) if field.name in known else field for field in table.schema
    ]
    return table.cast(pa.schema(fields, metadata=table.schema.metadata))


def _metadata(meaning: Meaning) -> dict[str, str]:
    every = {"description": meaning.text, "unit": meaning.unit, "null": meaning.null}
    return {name: text for name, text in every.items() if text}


def page(tables: Iterable[tuple[str, str, pa.Schema]]) -> str:
    """Tables of Markdown that describe tables, given by name, what they have, and their schema."""
    parts: list[str] = []
    for name, has, schema in tables:
        known = meanings(name)
        rows = [
            f"| `{field.name}` | {field.type} | {known[field.name].text} | {known[field.name].unit} "
            f"| {known[field.name].null} |"
            for field in schema
        ]
        head = ["| column | type | meaning | unit | null where |", "|---|---|---|---|---|"]
        parts.append("\n".join([f"## `{name}`", "", f"{has[0].upper()}{has[1:]}.", "", *head, *rows]))
    return "\n\n".join(parts) + "\n"
