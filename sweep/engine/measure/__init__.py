"""What is measured on a trained network. A new measure is one module, and one line here and in `sweep.trial.PROTOCOLS`.

Rows of the table `measurements`, by their `measurement`:

| measurement | subject | size | draw | metrics |
|---|---|---|---|---|
| `untreated` | | 0 | 0 | `error`, `loss`: of the network as it is, on the images of the lesions |
| `block` | block number | stage that it stands in | 0 | `changes_shape`: 1 or 0 |
| `delete-one` | block number | 1 | 0 | `error`, `loss` |
| `delete-some` | blocks, as `3,17` | blocks deleted | draw | `error`, `loss` |
| `reorder` | swaps, as `3-17,4-9` | swaps | draw | `error`, `loss`, `kendall_tau` |
| `truncate` | blocks a stage, as `4,4,1` | stages: the order | 0 | `error`, `loss` |
| `truncate-finetuned` | the same | the same | 0 | `error`, `loss` |
| `path-count` | | path length | 0 | `paths` |
| `path-gradient` | | path length | draw | `norm`: of the loss's gradient at the input |
| `features-before`, `features-after` training | states, as `0:1` | how far apart | 0 | `cka`, `distance` |

A `kendall_tau` of 1 is of swaps that restored the order. Blocks and states are numbered from 0; state i is what block
or stage i is given. Errors are shares of images, losses means in nats, both over the trial's validation images. A
path's length is the number of blocks it goes through.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from torch import Tensor

from models.blocks import BlockNetwork
from models.intervention import Intervention
from sweep.engine.images import Split, TrialImages
from sweep.result import Measurement
from sweep.trial import Trial

MEASURES = {
    "lesions": "sweep.engine.measure.lesions:measure",
    "truncation": "sweep.engine.measure.truncation:measure",
    "paths": "sweep.engine.measure.paths:measure",
    "features": "sweep.engine.measure.features:measure",
}
"""Name to ``module:function``, a `Measure`, imported when first asked for."""


@dataclass(frozen=True)
class Subject:
    """A trained network, in evaluation mode on the device of its images, and what it was trained on."""

    trial: Trial
    network: BlockNetwork
    intervention: Intervention
    """What is done to it in any evaluation: the gates of a network trained with `rescale` evaluation, else nothing."""
    images: TrialImages
    """Of this one trial; `images.train` and `images.validation` are on the device."""
    initial: Callable[[], BlockNetwork]
    """The same network before training, in evaluation mode on the same device."""

    def validation_batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The validation images (batch, channels, height, width), float32, and labels (batch,)."""
        return _batches(self.images.validation, self.images.validation_index, size)


Measure = Callable[[Subject], Iterator[tuple[float, Sequence[Measurement]]]]
"""Yields the share done, 0 to 1, with what was measured since. May not change the network."""


def find_measure(name: str) -> Measure:
    """The measure of a registered name."""
    module, _, function = MEASURES[name].partition(":")
    return getattr(import_module(module), function)


def _batches(split: Split, index: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for chunk in index.split(size):
        images, labels = split.batch(chunk)
        yield images.permute(0, 3, 1, 2), labels
