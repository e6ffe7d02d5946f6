"""Studies by name, or from a user's YAML or TOML file.

A file has ``study`` (its name), ``factors`` (levels by name; a single value is a list of one), and optionally ``arms``
(factors by arm), ``where`` (one or several conditions), ``margins`` (of equivalence, by name) and
``about``.
"""

import contextlib
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from sweep.errors import SweepError, unknown_name
from sweep.margins import Margins
from sweep.numerals import INTEGER, NUMBER
from sweep.own_code import searched
from sweep.parts import FACTORS, REGISTRIES
from sweep.shown import cut, shown
from sweep.studies import STUDIES
from sweep.study import Study

_KEYS = ("study", "about", "factors", "arms", "where", "margins")
_SUFFIXES = (".yaml", ".yml", ".toml")
_LARGEST_BYTES = 256 * 1024
"""A study with a thousand levels has a tenth of this, and YAML is slow to read."""


def find_study(study: str) -> Study:
    """The study of that name, built in or in a file. Raises SweepError if it does not exist or is not valid."""
    if study in STUDIES:
        return STUDIES[study]
    if not study.strip():
        raise unknown_name("study", study, STUDIES)
    path = Path(study)
    _check_file(path)
    text = _read(path)
    content = _parse(path, text)
    try:
        # The user's own parts may lie beside the file.
        with searched(path.parent):
            return _study(content)
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


_TYPES = ("null", "bool", "str", "seq", "map")
_NOT_FINITE = {".inf": "inf", "-.inf": "-inf", ".nan": "nan"}


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, where 1e-3 is a number, 010 is ten, and no and 2025-01-01 are text; keys are unique.

    It has no other types, and does not merge mappings: a merge can multiply them without end.
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012  # declared by PyYAML without ClassVar
    yaml_constructors = {  # noqa: RUF012
        tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (None, *(f"tag:yaml.org,2002:{name}" for name in _TYPES))
    }

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave the mapping as it is."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set[str]()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                problem = f"the key {shown(key.value)} appears twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        text = self.construct_scalar(node)
        if node.tag.endswith("int"):
            # Of a text with an explicit tag, Python would also take 1_0 and digits of other scripts.
            return int(text if re.fullmatch(INTEGER, text) else "x")
        return float(text if re.fullmatch(NUMBER, text) else _NOT_FINITE[text.lower().lstrip("+")])


for _type, _pattern, _first in (
    ("null", r"(~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", r"(true|True|TRUE|false|False|FALSE)", list("tTfF")),
    ("int", INTEGER, list("-+0123456789")),
    ("float", rf"({NUMBER}|[-+]?\.inf|\.nan)", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_type}", re.compile(f"{_pattern}$"), _first)
for _type in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_type}", _Loader.construct_number)


def _check_file(path: Path) -> None:
    """Raise SweepError for what cannot be a study file, before anything is read of it."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        mode = stat.S_IFREG  # reading it will tell what is wrong
    ending = f"name ends in {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}"
    # A redirected file has no name of its own there.
    if path.is_relative_to("/dev") or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise SweepError(
            f"{path} is a pipe or a device, but a study is read more than once; give a file whose {ending}"
        )
    if path.suffix.lower() not in _SUFFIXES:
        raise SweepError(f"{unknown_name('study', str(path), STUDIES)}; a file's {ending}")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
        if len(content) > _LARGEST_BYTES:
            raise SweepError(
                f"the study file {path} is longer than {_LARGEST_BYTES >> 10} KiB; leave out what is no study"
            )
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SweepError(f"the study file {path} cannot be read: {reason}") from None


def _parse(path: Path, text: str) -> object:
    toml = path.suffix.lower() == ".toml"
    try:
        return tomllib.loads(text) if toml else yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (at line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        reason = ", ".join(filter(None, (error.context, error.problem))) + place
    except (KeyError, AttributeError):  # PyYAML's answer to "!!bool maybe"
        reason = "a value does not have the type of its tag"
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # Python's advice on very long integers is not for users.
        reason = str(error).partition("\n")[0].partition("; use sys.")[0]
    raise SweepError(f"the study file {path} is not valid {'TOML' if toml else 'YAML'}: {cut(reason)}")


def _study(content: object) -> Study:
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
            raise SweepError(f"study is {shown(study)}, which is built in; take another name")
    with _at("about"):
        if not isinstance(about, str):
            raise SweepError(f"about is {shown(about)}, but takes text")
    with _at("factors"):
        levels = _levels(study, "factors", factors)
    with _at("arms"):
        given = _mapping("arms", values.get("arms", {}), "factors by arm, such as vgg: {network: vgg, depth: 15}")
        arms = {str(arm): _levels(study, f"arm {arm}", of_arm) for arm, of_arm in given.items()}
        Study(study, {}, arms=arms)
    with _at("margins"):
        margins = Margins().override(
            _mapping("margins", values.get("margins", {}), "numbers by name, such as ratio: 0.1")
        )
    with _at("where"):
        conditions = [where] if isinstance(where, str) else where
        if not isinstance(conditions, list) or not all(isinstance(entry, str) for entry in conditions):
            raise SweepError(f"where is {shown(where)}, but takes an expression or a list of expressions")
        return Study(study, levels, conditions, about, margins, arms)


def _levels(study: str, where: str, factors: object) -> dict[str, list[Any]]:
    given = _mapping(where, factors, "levels by factor, such as depth: [1, 2]")
    levels = {str(name): value if isinstance(value, list) else [value] for name, value in given.items()}
    # Parts first, since a user's own parts bring their own factors.
    for name in sorted(levels, key=lambda name: name not in REGISTRIES):
        with _at(name):
            Study(study, {name: levels[name]})
    return levels


def _mapping(name: str, value: object, takes: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise SweepError(f"{name} is {shown(value)}, but takes {takes}")
    return value


def _line_of(text: str, key: str) -> str:
    """`` line N`` if exactly one line of the file begins with the key."""
    start = re.compile(rf"""\s*\[?(factors\s*\.\s*)?["']?{re.escape(key)}["']?\s*[]:=]""")
    lines = [number for number, line in enumerate(text.split("\n"), 1) if start.match(line)]
    return f" line {lines[0]}" if key and len(lines) == 1 else ""
