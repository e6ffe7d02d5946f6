"""Studies by name, or from a user's YAML or TOML file.

A file has ``study`` (its name), ``factors`` (levels by name; a single value is a list of one), and optionally ``arms``
(factors by arm), ``where`` (one or several constraints), ``margins`` (of equivalence, by name) and
``about``.
"""

import contextlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sweep.errors import SweepError
from sweep.factors import unknown_name
from sweep.margins import Margins
from sweep.own_code import searched
from sweep.parts import FACTORS, REGISTRIES
from sweep.space import Space
from sweep.studies import STUDIES

_KEYS = ("study", "about", "factors", "arms", "where", "margins")


def find_space(study: str) -> Space:
    """The space of a built-in study or a file. Raises SweepError if it does not exist or is not valid."""
    if study in STUDIES:
        return STUDIES[study]
    path = Path(study)
    if path.suffix not in (".yaml", ".yml", ".toml"):
        raise SweepError(f"{unknown_name('study', study, STUDIES)}; a file's name ends in .yaml, .yml or .toml")
    text = _read(path)
    content = _parse(path, text)
    try:
        # The user's own parts may lie beside the file.
        with searched(path.parent):
            return _space(content)
    except SweepError as fault:
        key = next(iter(getattr(fault, "__notes__", ())), "")
        raise SweepError(f"{path}{_line_of(text, key)}: {fault}", *fault.parameters) from None


@contextlib.contextmanager
def _at(key: str) -> Iterator[None]:
    """Note the key on a fault in its value; the innermost key comes first."""
    try:
        yield
    except SweepError as error:
        error.add_note(key)
        raise


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, where 1e-3 is a number, 010 is ten, and no and 2025-01-01 are text; keys are unique."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  # declared by PyYAML without ClassVar

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} appears twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)

    def construct_decimal(self, node: yaml.ScalarNode) -> int:
        return int(self.construct_scalar(node))


for _type, _pattern, _first in (
    ("null", r"(~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_type}", re.compile(f"{_pattern}$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_decimal)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SweepError(f"the study file {path} cannot be read: {reason}") from None


def _parse(path: Path, text: str) -> object:
    try:
        return tomllib.loads(text) if path.suffix == ".toml" else yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (at line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        reason = ", ".join(filter(None, (error.context, error.problem))) + place
    except (KeyError, AttributeError):  # PyYAML's answer to "!!bool maybe"
        reason = "a value does not have the type of its tag"
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
    raise SweepError(f"the study file {path} is not valid {'TOML' if path.suffix == '.toml' else 'YAML'}: {reason}")


def _space(content: object) -> Space:
    if not isinstance(content, Mapping):
        raise SweepError(f"a study file holds the keys {', '.join(_KEYS)}")
    values: Mapping[Any, Any] = content
    for key in values:
        with _at(str(key)):
            if key not in _KEYS:
                raise unknown_name("key", str(key), _KEYS)
    for key in ("study", "factors"):
        if key not in values:
            raise SweepError(f"the key {key!r} is missing; a study file needs 'study', a name, and 'factors'")
    study, about, factors, where = values["study"], values.get("about", ""), values["factors"], values.get("where", [])
    with _at("study"):
        FACTORS["study"].coerce("study", study)
        if study in STUDIES:
            raise SweepError(f"study is {study!r}, which is built in; take another name")
    with _at("about"):
        if not isinstance(about, str):
            raise SweepError(f"about is {about!r}, but takes text")
    with _at("factors"):
        levels = _levels(study, "factors", factors)
    with _at("arms"):
        given = _mapping("arms", values.get("arms", {}), "factors by arm, such as vgg: {network: vgg, depth: 15}")
        arms = {str(arm): _levels(study, f"arm {arm}", of_arm) for arm, of_arm in given.items()}
        Space(study, {}, arms=arms)
    with _at("margins"):
        margins = Margins().override(
            _mapping("margins", values.get("margins", {}), "numbers by name, such as ratio: 0.1")
        )
    with _at("where"):
        constraints = [where] if isinstance(where, str) else where
        if not isinstance(constraints, list) or not all(isinstance(entry, str) for entry in constraints):
            raise SweepError(f"where is {where!r}, but takes an expression or a list of expressions")
        return Space(study, levels, constraints, about, margins, arms)


def _levels(study: str, where: str, factors: object) -> dict[str, list[Any]]:
    given = _mapping(where, factors, "levels by factor, such as depth: [1, 2]")
    levels = {str(name): value if isinstance(value, list) else [value] for name, value in given.items()}
    # Parts first, since a user's own parts bring their own factors.
    for name in sorted(levels, key=lambda name: name not in REGISTRIES):
        with _at(name):
            Space(study, {name: levels[name]})
    return levels


def _mapping(name: str, value: object, takes: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise SweepError(f"{name} is {value!r}, but takes {takes}")
    return value


def _line_of(text: str, key: str) -> str:
    """`` line N`` if exactly one line of the file begins with the key."""
    start = re.compile(rf"""\s*\[?(factors\s*\.\s*)?["']?{re.escape(key)}["']?\s*[]:=]""")
    lines = [number for number, line in enumerate(text.split("\n"), 1) if start.match(line)]
    return f" line {lines[0]}" if key and len(lines) == 1 else ""
