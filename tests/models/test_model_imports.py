"""What the package may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import models


def test_the_package_imports_torch_and_torchvision_only() -> None:
    allowed = {"models", "torch", "torchvision"} | sys.stdlib_module_names
    for path in Path(models.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= allowed, path


def test_torch_is_not_loaded_for_a_layout() -> None:
    program = """
import sys, models, models.streams
from models.kinds import KINDS
for name, kind in KINDS.items():
    depth = 22 if name in ('densenet', 'densenet-bc', 'wide-resnet', 'procrustes-resnet') else 20
    layout = kind().layout(depth, 4, 1, (3, 32, 32), 10)
    layout.parameters, layout.forward_flops, layout.activation_elements, hash(layout)
    kind().describe(depth)
assert 'torch' not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_is_there() -> None:
    assert all(getattr(models, name) is not None for name in models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = models.nothing
