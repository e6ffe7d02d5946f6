"""Values in messages, cut short where they are long."""

from collections.abc import Iterator, Mapping

_MOST = 120
_MOST_BITS = 2000
"""Of an integer that is written out: about 600 digits."""
_ENCLOSED = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}"}


def shown(value: object) -> str:
    """The value as Python writes it, cut after 120 characters; integers are cut only above 600 digits.

    Looks at no more of the value than it writes: a few lines of YAML with aliases can stand for a list of billions.
    """
    if isinstance(value, int):
        return _integer(value)
    text = ""
    for piece in _pieces(value, ()):
        text += piece
        if len(text) > _MOST:
            return f"{text[:_MOST]}…"
    return text


def cut(text: str) -> str:
    """A text of one line, cut after 120 characters."""
    line = " ".join(text.split("\n"))
    return line if len(line) <= _MOST else f"{line[:_MOST]}…"


def _integer(value: int) -> str:
    # Python refuses to write very long integers.
    return repr(value) if value.bit_length() <= _MOST_BITS else f"an integer of {value.bit_length()} bits"


def _pieces(value: object, outer: tuple[int, ...]) -> Iterator[str]:
    """The text in pieces. A collection is opened before its parts are, so their depth is bounded as well."""
    if isinstance(value, str | bytes):
        yield repr(value) if len(value) <= _MOST else f"{repr(value[:_MOST])[:-1]}…"
        return
    if type(value) not in _ENCLOSED:
        yield _integer(value) if isinstance(value, int) else repr(value)
        return
    opening, closing = _ENCLOSED[type(value)]
    if id(value) in outer:
        yield f"{opening}...{closing}"
        return
    yield opening
    for number, part in enumerate(value):  # pyright: ignore[reportArgumentType]
        yield ", " if number else ""
        yield from _pieces(part, (*outer, id(value)))
        if isinstance(value, Mapping):
            yield ": "
            yield from _pieces(value[part], (*outer, id(value)))
    yield closing
