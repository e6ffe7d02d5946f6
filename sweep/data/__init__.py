"""Data sets: what they are, where they come from, and the exact subsets and sizes that trials train on.

>>> from sweep.data import load
>>> mnist = load("mnist")
>>> mnist.train_images.shape
(60000, 28, 28, 1)

A set is one Arrow file in :func:`cache_dir`, memory-mapped, and is believed only once the SHA-256 of its four
arrays has been compared with the digests in its :class:`DatasetSpec`.
"""

from sweep.data.access import cached, fetch, import_folder, install, load, verify
from sweep.data.cache import cache_dir
from sweep.data.resize import area_average
from sweep.data.sets import DATASETS, spec
from sweep.data.specs import Dataset, DatasetSpec
from sweep.data.splits import balanced_subset, held_out

__all__ = [
    "DATASETS",
    "Dataset",
    "DatasetSpec",
    "area_average",
    "balanced_subset",
    "cache_dir",
    "cached",
    "fetch",
    "held_out",
    "import_folder",
    "install",
    "load",
    "spec",
    "verify",
]
