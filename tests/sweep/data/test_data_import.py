import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sweep.data import Dataset, import_folder, load, verify
from sweep.data.formats.cifar_batches import read_pickle
from sweep.errors import SweepError


@pytest.mark.parametrize(
    ("place", "dotted", "compressed"),
    [("MNIST/raw", False, False), ("raw", True, False), (".", False, True), (".", True, True)],
)
def test_mnist_from_idx_files(
    mnist: Dataset,
    cache: Path,
    tmp_path: Path,
    write_idx: Callable[..., None],
    place: str,
    dotted: bool,
    compressed: bool,
) -> None:
    write_idx(tmp_path / "in" / place, mnist, dotted, compressed)
    lines: list[str] = []
    path = import_folder("mnist", tmp_path / "in", log=lines.append)
    assert path == cache / "mnist.arrow"
    assert verify("mnist") == path
    assert import_folder("mnist", tmp_path / "in", log=lines.append) == path
    assert lines == [f"mnist: written to {path}", f"mnist: already in {path}"]


@pytest.mark.parametrize(
    ("place", "protocol"), [("cifar-10-batches-py", 4), (".", None), ("cifar-10-batches-bin", None)]
)
def test_cifar10_from_batches(
    cifar10: Dataset,
    cache: Path,
    tmp_path: Path,
    write_batches: Callable[..., None],
    place: str,
    protocol: int | None,
) -> None:
    write_batches(tmp_path / "in" / place, cifar10, protocol)
    assert import_folder("cifar10", tmp_path / "in") == cache / "cifar10.arrow"
    np.testing.assert_array_equal(load("cifar10").test_labels, cifar10.test_labels)


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.dtype(">i8")])
def test_batches_of_every_protocol_are_read(protocol: int, dtype: np.dtype, tmp_path: Path) -> None:
    planes = np.random.default_rng(0).integers(0, 256, (10_000, 3072), np.uint8)
    labels = np.arange(10_000) % 10
    content = {"data": np.asfortranarray(planes), "labels": labels.astype(dtype)}
    (tmp_path / "batch").write_bytes(pickle.dumps(content, protocol))
    images, classes = read_pickle(tmp_path / "batch")
    np.testing.assert_array_equal(images[:, 5, 6, 2], planes[:, 2 * 1024 + 5 * 32 + 6])
    np.testing.assert_array_equal(classes, labels)


def test_python_2_batches_are_read(tmp_path: Path) -> None:
    # Python 2 wrote CIFAR-10's own batches: protocol 2, byte strings as STRING opcodes, and numpy.core.
    pixels = np.arange(10_000 * 3072, dtype=np.uint32).astype(np.uint8).tobytes()
    short = lambda text: b"U" + bytes([len(text)]) + text  # noqa: E731
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + short(b"b") + b"\x87R"
        b"(K\x01M\x10'M\x00\x0c\x86cnumpy\ndtype\n" + short(b"u1") + b"K\x00K\x01\x87R"
        b"(K\x03" + short(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + len(pixels).to_bytes(4, "little") + pixels + b"tb"
    )
    labels = b"](" + b"K\x07" * 10_000 + b"e"
    batch = b"\x80\x02}(" + short(b"data") + array + short(b"labels") + labels + b"u."
    (tmp_path / "batch").write_bytes(batch)
    images, classes = read_pickle(tmp_path / "batch")
    assert images.shape == (10_000, 32, 32, 3)
    assert images.transpose(0, 3, 1, 2).tobytes() == pixels
    assert (classes == 7).all()


class _Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("owned",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(_Hostile()),
        pickle.dumps({"data": _Hostile(), "labels": []}),
        pickle.dumps({"data": np.array([None]), "labels": []}),
        pickle.dumps({"data": np.zeros(3, np.uint8), "labels": [0] * 10_000}),
        pickle.dumps({"labels": []}),
        pickle.dumps([1, 2]),
        b"\x80\x04\x95garbage",
        b"",
    ],
)
def test_no_other_pickle_is_admitted_or_run(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch").write_bytes(content)
    with pytest.raises(SweepError, match=r"batch is not a CIFAR-10 Python batch \(.*\); get a fresh copy of it\.$"):
        read_pickle(tmp_path / "batch")
    assert not (tmp_path / "owned").exists()


def test_other_content_is_refused_and_nothing_left_behind(
    mnist: Dataset, cache: Path, tmp_path: Path, write_idx: Callable[..., None]
) -> None:
    images = mnist.train_images.copy()
    images[31_415, 14, 14] ^= 1
    write_idx(tmp_path / "in", replace(mnist, train_images=images))
    with pytest.raises(SweepError, match=r"does not hold the published mnist \(its train images have SHA-256"):
        import_folder("mnist", tmp_path / "in")
    assert not cache.exists()


def test_shuffled_binary_batches_are_refused(
    cifar10: Dataset, cache: Path, tmp_path: Path, write_batches: Callable[..., None]
) -> None:
    write_batches(tmp_path, cifar10, None)
    (tmp_path / "data_batch_1.bin").rename(tmp_path / "x")
    (tmp_path / "data_batch_2.bin").rename(tmp_path / "data_batch_1.bin")
    (tmp_path / "x").rename(tmp_path / "data_batch_2.bin")
    with pytest.raises(SweepError, match="does not hold the published cifar10"):
        import_folder("cifar10", tmp_path)
    assert not cache.exists()


def test_a_file_of_another_length_or_kind_is_named(
    mnist: Dataset, cache: Path, tmp_path: Path, write_idx: Callable[..., None]
) -> None:
    write_idx(tmp_path, mnist)
    labels = tmp_path / "t10k-labels-idx1-ubyte"
    content = labels.read_bytes()
    for wrong in (content[:-1], content + b"\0"):
        labels.write_bytes(wrong)
        with pytest.raises(SweepError, match="t10k-labels-idx1-ubyte does not have the length"):
            import_folder("mnist", tmp_path)
    labels.write_bytes(b"\x1f\x8b" + content)
    with pytest.raises(SweepError, match=r"t10k-labels-idx1-ubyte is not an IDX file of \(10000,\)"):
        import_folder("mnist", tmp_path)
    labels.rename(labels.with_name(labels.name + ".gz"))
    with pytest.raises(SweepError, match=r"ubyte\.gz cannot be read"):
        import_folder("mnist", tmp_path)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("name", "sought"), [("mnist", "t10k-labels-idx1-ubyte"), ("cifar10", r"data_batch_5, test_batch.*\.bin")]
)
def test_an_unrecognised_folder_is_answered_with_the_files_it_should_have(
    name: str, sought: str, cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(SweepError, match=rf"does not hold {name}; .* must have .*{sought}"):
        import_folder(name, tmp_path)
    with pytest.raises(SweepError, match=r"absent is not a folder; give the one"):
        import_folder(name, tmp_path / "absent")
    with pytest.raises(SweepError, match=r"cannot be read \(File name too long\)"):
        import_folder(name, tmp_path / ("x" * 300))
    assert not cache.exists()


def test_a_file_that_was_unpacked_under_its_packed_name_is_read(
    mnist: Dataset, cache: Path, tmp_path: Path, write_idx: Callable[..., None]
) -> None:
    write_idx(tmp_path / "in", mnist, compressed=True, only="t10k")
    write_idx(tmp_path / "in", mnist, only="train")
    for path in list((tmp_path / "in").iterdir()):
        path.rename(path.with_name(path.name.removesuffix(".gz") + ("" if path.suffix == ".gz" else ".gz")))
    assert import_folder("mnist", tmp_path / "in") == cache / "mnist.arrow"


BATCHES = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
INSTEAD = {
    "batches missing": (
        "cifar10",
        [f"cifar-10-batches-py/{name}" for name in BATCHES if name not in ("data_batch_3", "test_batch")],
        r"cifar-10-batches-py lacks data_batch_3, test_batch\.$",
    ),
    "binary batch missing": ("cifar10", [f"{name}.bin" for name in BATCHES[1:]], r" lacks data_batch_1\.bin\.$"),
    "file missing": ("mnist", ["raw/train-images.idx3-ubyte"], "raw lacks train-labels-idx1-ubyte, t10k-images-idx3-"),
    "mix of formats": (
        "cifar10",
        [*BATCHES[:5], "test_batch.bin"],
        r" mixes formats, as data_batch_1 \(Python\) and test_batch\.bin \(binary\); give all files in one of them\.$",
    ),
    "nested folder": ("cifar10", [f"a/b/c/{name}" for name in BATCHES], r"lies in .*/a/b/c; give that folder\.$"),
    "nested file": ("mnist", ["a/t10k-labels-idx1-ubyte.gz"], r"ubyte\.gz lies in .*/a; give that folder\.$"),
    "archive": ("cifar10", ["notes", "x/cifar-10-python.tar.gz"], r"the archive x/cifar-10-python\.tar\.gz; unpack it"),
    "other files": ("mnist", ["a", "b", "c", "d", "e", "f"], r"must have .* It holds a, b, c, d, e, …\.$"),
    "nothing": ("mnist", [], r"must have .* It is empty\.$"),
}


@pytest.mark.parametrize(("name", "files", "message"), INSTEAD.values(), ids=INSTEAD)
def test_what_lies_there_instead_is_said(name: str, files: list[str], message: str, tmp_path: Path) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    with pytest.raises(SweepError, match=f"does not hold {name}; .*{message}"):
        import_folder(name, tmp_path)


def test_an_archive_is_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "cifar.tgz").touch()
    with pytest.raises(SweepError, match=r"cifar\.tgz is a file; unpack it if it is an archive, and give the folder"):
        import_folder("cifar10", tmp_path / "cifar.tgz")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
def test_a_file_of_another_user_is_not_called_damaged(
    digits: Dataset, cache: Path, tmp_path: Path, write_idx: Callable[..., None]
) -> None:
    """As user 65534 ("nobody"), who may neither read the cache's file nor the folder's."""
    load("digits")
    write_idx(tmp_path / "in", digits)
    for path in (cache / "digits.arrow", *(tmp_path / "in").iterdir()):
        path.chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents):
        folder.chmod(folder.stat().st_mode & 0o7777 | 0o055)
    code = (
        "import os, sys\n"
        "from sweep.data import import_folder, load\n"
        "from sweep.errors import SweepError\n"
        "os.setuid(65534)\n"
        "for ask in (lambda: load('digits'), lambda: import_folder('mnist', sys.argv[1])):\n"
        "    try: ask()\n"
        "    except SweepError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "in"], capture_output=True, text=True, check=True)
    cached, imported = done.stdout.splitlines()
    remedy = "fix that or set SWEEP_DATA to another folder."
    assert cached == f"{cache}/digits.arrow cannot be read (Permission denied); {remedy}"
    assert imported.endswith("ubyte cannot be read (Permission denied); make it readable or give a copy.")


def test_digits_have_nothing_to_import(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(SweepError, match="digits has no files to import; run `sweep data fetch digits`"):
        import_folder("digits", tmp_path)


def test_an_import_replaces_a_damaged_file(
    mnist: Dataset, cache: Path, tmp_path: Path, write_idx: Callable[..., None]
) -> None:
    cache.mkdir()
    (cache / "mnist.arrow").write_bytes(b"damaged")
    write_idx(tmp_path, mnist)
    import_folder("mnist", tmp_path)
    assert sorted(path.name for path in cache.iterdir()) == [".mnist.lock", "mnist.arrow"]
    verify("mnist")
