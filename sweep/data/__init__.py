"""Data sets: their specifications and sources, and the exact subsets and sizes that trials train on.

>>> from sweep.data import load
>>> mnist = load("mnist")
>>> mnist.train_images.shape
(60000, 28, 28, 1)

A set is one memory-mapped Arrow file in :func:`cache_dir`. :func:`load` accepts it only if the SHA-256 of each of its
four arrays equals the digest in its :class:`DatasetSpec`.
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
