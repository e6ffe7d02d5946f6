"""Studies by name or from a user's YAML or TOML file.

A file has ``study`` (its name), ``factors`` (levels by name; a single value is a list of one), and optionally ``where``
(one constraint or several) and ``about``.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sweep.errors import SweepError
from sweep.factors import unknown_name
from sweep.space import Space
from sweep.studies import STUDIES

_KEYS = ("study", "about", "factors", "where")


def find_space(study: str) -> Space:
    """The space of a built-in study, or of a file. Raises SweepError if there is none or it is not valid."""
    if study in STUDIES:
        return STUDIES[study]
    path = Path(study)
    if path.suffix not in (".yaml", ".yml", ".toml"):
        raise SweepError(f"{unknown_name('study', study, STUDIES)}; a file's name ends in .yaml, .yml or .toml")
    content = _read(path)
    try:
        return _space(content)
    except SweepError as error:
        raise SweepError(f"{path}{_line_of(path, str(error))}: {error}") from None


def _read(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SweepError(f"the study file {path} cannot be read: {reason}") from None
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SweepError(f"the study file {path} is not valid {path.suffix[1:].upper()}: {reason}") from None


def _space(content: object) -> Space:
    if not isinstance(content, Mapping):
        raise SweepError(f"a study file holds the keys {', '.join(_KEYS)}")
    values: Mapping[Any, Any] = content
    for key in values:
        if key not in _KEYS:
            raise unknown_name("key", str(key), _KEYS)
    factors = values.get("factors")
    if not isinstance(values.get("study"), str) or not isinstance(factors, Mapping):
        raise SweepError("a study file needs 'study', a name, and 'factors', levels by factor")
    if values["study"] in STUDIES:
        raise SweepError(f"study is {values['study']!r}, which is built in; take another name")
    where = values.get("where", [])
    constraints = [where] if isinstance(where, str) else where
    if not isinstance(constraints, list) or not all(isinstance(entry, str) for entry in constraints):
        raise SweepError(f"where is {where!r}, but takes an expression or a list of expressions")
    levels = {str(name): value if isinstance(value, list) else [value] for name, value in factors.items()}
    return Space(values["study"], levels, constraints, str(values.get("about", "")))


def _line_of(path: Path, message: str) -> str:
    """`` line N`` where the message's subject is a key that stands at the start of a line of the file."""
    words = message.replace("'", " ").split()
    subject = next((word for word in words if word in ("factor", "key")), None)
    key = words[words.index(subject) + 1] if subject else words[0]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip().strip("\"'").startswith((f"{key}:", f"{key} ", f"{key}=", f'{key}"')):
            return f" line {number}"
    return ""
