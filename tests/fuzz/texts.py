"""Random texts that resemble study files, expressions and options, or hardly do."""

import json
import random
from typing import Any

import yaml

from sweep.parts import FACTORS

_NAMES = sorted(FACTORS)
_ODD: list[Any] = [
    *(None, True, False, 0, -1, 1, 2, 10**30, -(10**400), 0.0, 1e-3, 1e999, float("nan"), "", " ", "a", "1", "1_0"),
    *("٣", "größe", "-rf", "x" * 300, "a\nb", "\x00", "\ud7ff", "🙂", "mnist", "digits", "relu", "features+paths"),
    *([], [1, 2], [[1]], [None], {}, {"a": 1}, {"depth": [1]}, [0] * 50, "depth == 1", "no", "~", "a:b:c", "..", "a/b"),
]
_TOKENS = [
    *("and", "or", "not", "in", "if", "else", "(", ")", "[", "]", "{", "}", ",", "==", "!=", "<", ">=", "+", "-", "*"),
    *(
        "/",
        "//",
        "%",
        "**",
        "1",
        "0",
        "2.5",
        "1e999",
        "'mnist'",
        "''",
        "True",
        "None",
        "lambda",
        ".",
        ":",
        "0x1f",
        "9e9",
    ),
]
_OPTIONS = ("--where", "--set", "--limit", "--shard", "--margin", "--pack-size", "--noise", "--cpus")


def study_text(draw: random.Random, suffix: str) -> bytes:
    """A study file, mutated as a tree, as text, or not at all."""
    tree = _study(draw)
    for _ in range(draw.choice((0, 0, 1, 1, 2, 4))):
        _mutate(draw, tree, _ODD)
    if suffix == ".yaml" and draw.random() < 0.1:
        _mutate(draw, tree, [_bomb()])
    text = _toml(tree) if suffix == ".toml" else yaml.safe_dump(tree, allow_unicode=True)
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(draw.choice((0, 0, 0, 1, 3, 10))):
        at = draw.randrange(len(content) + 1)
        piece = draw.choice((b"", b"\t", b"\r", b"&a ", b"*a ", b"!!int ", b"- ", b"? ", b"<<: ", b"|", b'"', b"\xff"))
        content[at : at + draw.choice((0, 1, 5))] = piece + draw.choice((b"", draw.randbytes(2), b"\n", b"[" * 30))
    return bytes(content)


def expression(draw: random.Random) -> str:
    """An expression of random tokens, or a right one with some of them changed."""
    if draw.random() < 0.1:
        return _odd_text(draw)
    if draw.random() < 0.3:
        tokens = draw.choices([*_TOKENS, *_NAMES[:8]], k=draw.randrange(1, 12))
    else:
        tokens = _grown(draw, draw.randrange(1, 5)).split(" ")
        for _ in range(draw.choice((0, 0, 1, 3))):
            tokens[draw.randrange(len(tokens))] = draw.choice([*_TOKENS, *_NAMES])
    return draw.choice((" ", " ", " ", "")).join(tokens) * draw.choice((1, 1, 1, 1, 1, 1, 1, 1, 1, 30))


def _grown(draw: random.Random, depth: int) -> str:
    if depth == 0:
        return draw.choice(("depth", "seed", "learning_rate", "dataset", "1", "0", "2.5", "'mnist'", "1e999", "-1"))
    one, other = _grown(draw, depth - 1), _grown(draw, draw.randrange(depth))
    operator = draw.choice(("and", "or", "==", "!=", "<", "<=", "+", "*", "/", "//", "%", "in", "not in"))
    both = f"( {one} {operator} {other} )"
    return draw.choice((both, both, f"not ( {one} )", f"( {one} if {other} else 0 )", f"{one} in ( {other} , )"))


def override(draw: random.Random) -> str:
    """An override such as ``depth=1,2``, or something like one."""
    name = draw.choice([*_NAMES, *_NAMES, "a.depth", "c.seed", "base_epochs", "", " depth ", _odd_text(draw)])
    factor = FACTORS.get(name.strip())
    levels = [_level(draw, factor.names if factor is not None else ()) for _ in range(draw.choice((1, 1, 1, 2, 3)))]
    equals, comma = draw.choice(("=",) * 8 + ("", "==", ":")), draw.choice((",",) * 8 + (" , ", ";"))
    return f"{name}{equals}{comma.join(levels)}"


def options(draw: random.Random) -> list[str]:
    """Options of ``sweep plan``; a small limit comes first, which a later one repeats."""
    words = ["--limit=2"]
    for _ in range(draw.randrange(1, 4)):
        option = draw.choice(_OPTIONS)
        value = {"--where": expression, "--set": override}.get(option, _odd_text)(draw)
        words.append(f"{option}={value.replace(chr(0), '')}")
    return words


def _level(draw: random.Random, names: tuple[str, ...]) -> str:
    if draw.random() < 0.6:
        return draw.choice(names or ("1", "2", "8", "0.5"))
    return draw.choice(("1", "2", "0", "4", "0.5", "1e-3", "-1", "1_0", "[1", "2]", "'a'", "nan", _odd_text(draw)))


def _odd_text(draw: random.Random) -> str:
    text = draw.choice((str(draw.choice(_ODD)), "".join(map(chr, draw.choices(range(32, 0x250), k=draw.randrange(9))))))
    # Nothing that imports a module.
    return text.replace(":", "")


def _study(draw: random.Random) -> dict[str, Any]:
    tree: dict[str, Any] = {"study": "fuzz", "factors": {"dataset": "digits", "depth": [1, 2], "seed": [0, 1]}}
    parts = {
        "about": "a text",
        "where": ["depth > 1", expression(draw)],
        "margins": {"ratio": 0.05},
        "arms": {"one": {"filters": [1, 2]}, "two": {"network": "resnet", "depth": [8]}},
    }
    for name in draw.sample(sorted(parts), draw.randrange(3)):
        tree[name] = parts[name]
    for name in draw.sample(_NAMES, draw.randrange(3)):
        names = FACTORS[name].names
        tree["factors"][name] = draw.choice(names) if names else draw.choice((0, 1, 0.5, 2))
    return tree


def _bomb() -> list[Any]:
    """Few lists, written with aliases, that stand for billions."""
    value: list[Any] = ["lol"]
    for _ in range(12):
        value = [value] * 9
    return value


def _mutate(draw: random.Random, tree: Any, values: list[Any]) -> None:
    """Replace, remove or add one value somewhere in a tree."""
    node = tree
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        if not keys:
            return
        key = draw.choice(keys)
        if not isinstance(node[key], dict | list) or draw.random() < 0.3:
            break
        node = node[key]
    match draw.randrange(4):
        case 0:
            del node[key]
        case 1 if isinstance(node, dict):
            node[draw.choice(("x", "depth", "größe", "study", "a" * 200, "-a"))] = draw.choice(values)
        case _:
            node[key] = draw.choice(values)


def _toml(tree: Any) -> str:
    """A tree as TOML, where it can be one; otherwise something like it."""
    lines = []
    for key, value in tree.items() if isinstance(tree, dict) else ():
        lines.append(f"{json.dumps(str(key))} = {_toml_value(value)}")
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {_toml_value(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    return json.dumps(value) if isinstance(value, str | bool) else repr(value)
