"""Digits: scikit-learn's 1,797 handwritten digits, 8x8, grey; real data that needs no download.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (UCI, 1998), the test part, from
``sklearn.datasets.load_digits``. The set has no published split and no bytes in 0..255, so this module fixes both: a
pixel p of 0..16 becomes (255 p + 8) // 16, which is 255 p / 16 rounded half up and loses nothing, and every fifth
image of each class, in scikit-learn's order, is a test image.
"""

from pathlib import Path

import numpy as np

from sweep.data.recipe import Recipe, SourceError
from sweep.data.specs import Dataset, DatasetSpec

SPEC = DatasetSpec(
    name="digits",
    shape=(1, 8, 8),
    classes=10,
    train_size=1_442,
    test_size=355,
    # Not published: computed from the training split above.
    mean=(0.3052,),
    std=(0.3760,),
    digests={
        "train_images": "503377f9cfaca149d5f4766a565f241ffa34779a6052ed8f96ddd783e9ed34eb",
        "train_labels": "a2e9b5aad772889452f916b3583eb978fb46384ff7116fda4a634c7c4caa4586",
        "test_images": "747b8e40cc4d21a26c27e6681d6b5641b1d1c96162f713457890ca5ee65f561d",
        "test_labels": "ae868ceb6e5b065cfdba65e639e01c0dbb262d32bea34ba86eab9eb6eddd8d59",
    },
)


def _from_sklearn(scratch: Path) -> Dataset:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise SourceError("it is not installed") from error
    pixels, classes = load_digits(return_X_y=True)
    images = ((255 * np.asarray(pixels, np.int64) + 8) // 16).astype(np.uint8).reshape(-1, *SPEC.pixel_shape)
    labels = np.asarray(classes, np.uint8)
    test = np.zeros(len(labels), bool)
    for label in range(SPEC.classes):
        test[np.flatnonzero(labels == label)[4::5]] = True
    return Dataset(SPEC, images[~test], labels[~test], images[test], labels[test])


RECIPE = Recipe(SPEC, {"scikit-learn": _from_sklearn})
