"""Measures of networks. A new one is one module and one line here.

Rows of the table `measurements`, by their `measurement`:

| measurement | subject | size | draw | metrics |
|---|---|---|---|---|
| `untreated` | | 0 | 0 | `error`, `loss` of the network as it is, on the images of the lesions |
| `block` | block number | its stage | 0 | `changes_shape`: 1 or 0 |
| `delete-one` | block number | 1 | 0 | `error`, `loss` |
| `delete-some` | blocks, as `3,17` | blocks deleted | draw | `error`, `loss` |
| `reorder` | swaps, as `3-17,4-9` | swaps | draw | `error`, `loss`, `kendall_tau` |
| `truncate` | blocks per stage, as `4,4,1` | stages: the order | 0 | `error`, `loss` |
| `truncate-finetuned` | the same | the same | 0 | `error`, `loss` |
| `path-count` | | path length | 0 | `paths` |
| `path-gradient` | | path length | draw | `norm` of the loss's gradient at the input |
| `features-before`, `features-after` training | states, as `0:1` | how far apart | 0 | `cka`, `distance` |
| `subnetwork` | blocks kept, as `3,17` | blocks kept | draw | `error`, `loss` |
| `gradient-stage`, `gradient-transition` | | stage | 0 | `ratio` of gradient norms, input over output |

`epoch` is the number of epochs after which a network was measured in training (`measure_every`), null at the end.
Swaps that restore the order have a `kendall_tau` of 1. Blocks and states are numbered from 0; state i is the input of
block or stage i. Errors are shares of images, losses means in nats, both over the trial's validation images. The length
of a path is the number of blocks that it goes through.
"""

from models.registered import registered
from sweep.measures.base import Measure

MEASURES: dict[str, type[Measure]] = registered(
    {
        "lesions": "sweep.measures.lesions:Lesions",
        "truncation": "sweep.measures.truncation:Truncation",
        "paths": "sweep.measures.paths:Paths",
        "features": "sweep.measures.features:Features",
        "subnetworks": "sweep.measures.subnetworks:Subnetworks",
        "gradient-norms": "sweep.measures.gradient_norms:GradientNorms",
    }
)
