"""Safe expressions over a trial's fields, such as ``dataset == 'mnist' and depth <= 8``.

The language is Python's, restricted to literals, field names, comparisons, ``and``, ``or``, ``not``, ``in``, arithmetic
and conditional expressions. An expression never calls anything, looks up attributes or runs as code.
"""

import ast
import itertools
import operator
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sweep.errors import SweepError, unknown_name
from sweep.factors import Factor
from sweep.identity import current
from sweep.numerals import NumeralError, read_number
from sweep.shown import shown

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda value, several: value in several,
    ast.NotIn: lambda value, several: value not in several,
}
_COLLECTIONS: dict[type[ast.expr], Callable[[Any], Any]] = {ast.Tuple: tuple, ast.List: list, ast.Set: frozenset}
_ALLOWED = {
    *(*_BINARY, *_UNARY, *_COMPARE, *_COLLECTIONS, ast.And, ast.Or, ast.Load),
    *(ast.Name, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp),
}
_MAX_LENGTH = 2000


class Expression:
    """A parsed expression; call it with a mapping of names to values.

    `names` are the fields, as a mapping with their factors where they have any. Parsing raises SweepError for text
    outside the language, an unknown field, or a text that the factor it is compared with never is; a call does for an
    operation that the values do not support.
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text.strip()
        if len(self.text) > _MAX_LENGTH:
            raise SweepError(f"the expression is {len(self.text)} characters long, but may have {_MAX_LENGTH}")
        try:
            with warnings.catch_warnings():
                # Such as of 1and: Python would print it, and read on.
                warnings.simplefilter("error")
                self._tree = ast.parse(self.text, mode="eval").body
            self._check(names)
        except NumeralError as error:
            raise SweepError(f"the expression {shown(self.text)} cannot be read: {error}") from None
        except SyntaxError as error:
            column = f" at character {error.offset}" if error.offset else ""
            raise SweepError(f"the expression {shown(text)} cannot be read{column}: {error.msg}") from None
        except (RecursionError, MemoryError, ValueError):
            raise SweepError(f"the expression {shown(self.text)} is nested too deeply or malformed") from None

    def __call__(self, values: Mapping[str, Any]) -> bool:
        try:
            return bool(_value(self._tree, values))
        except (TypeError, ZeroDivisionError, OverflowError, RecursionError) as error:
            raise SweepError(f"the expression {shown(self.text)} cannot be computed: {error}") from None

    def _check(self, names: Collection[str]) -> None:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
                if not isinstance(node.value, str | bool):
                    # Python also takes 1_0 and 0x10.
                    read_number(ast.get_source_segment(self.text, node) or "")
                continue
            if not isinstance(node, ast.expr):
                continue
            operators = {type(child) for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)}
            if not {type(node), *operators} <= _ALLOWED:
                raise SweepError(
                    f"the expression {shown(self.text)} has {shown(ast.unparse(node))} in it, but may hold only "
                    "fields, literals, comparisons, arithmetic, and, or, not, in"
                )
            if isinstance(node, ast.Name) and current(node.id) not in names:
                raise unknown_name("factor", current(node.id), names)
            if isinstance(node, ast.Compare) and isinstance(names, Mapping):
                self._check_choices(node, names)

    def _check_choices(self, node: ast.Compare, factors: Mapping[str, Any]) -> None:
        """Refuse a comparison with a value that a factor never has, such as a misspelt data set."""
        for op, (left, right) in zip(node.ops, itertools.pairwise([node.left, *node.comparators]), strict=True):
            if not isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                continue
            equal = isinstance(op, ast.Eq | ast.NotEq)
            if not equal and not isinstance(right, ast.Tuple | ast.List | ast.Set):
                # A part of a text.
                continue
            for name, values in ((left, right), (right, left)) if equal else ((left, right),):
                factor = factors.get(current(name.id)) if isinstance(name, ast.Name) else None
                if isinstance(name, ast.Name) and isinstance(factor, Factor):
                    for text in _texts(values):
                        self._check_text(current(name.id), factor, text)

    def _check_text(self, name: str, factor: Factor, text: str) -> None:
        # Parts of the user's own may not be loaded yet.
        if ":" in text:
            return
        try:
            written = factor.coerce(name, text)
        except SweepError as fault:
            raise SweepError(f"in the expression {shown(self.text)}, {fault}") from None
        if written != text:
            raise SweepError(f"in the expression {shown(self.text)}, {name} is {shown(text)}; write {written!r}")


def _texts(node: ast.expr) -> list[str]:
    """The text that a literal is, or those that a collection of literals has."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=constant):
            return constant
        case ast.Name(id=name):
            return values[current(name)]
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return _COLLECTIONS[type(node)](_value(part, values) for part in parts)
        case ast.UnaryOp(op=op, operand=operand):
            return _UNARY[type(op)](_value(operand, values))
        case ast.BinOp(left=left, op=op, right=right):
            operands = _value(left, values), _value(right, values)
            # With text, % would format and * could fill the memory.
            if not all(isinstance(operand, int | float) for operand in operands):
                raise TypeError("arithmetic takes only numbers")
            return _BINARY[type(op)](*operands)
        case ast.BoolOp(op=op, values=parts):
            return _boolean(isinstance(op, ast.Or), parts, values)
        case ast.Compare():
            return _compare(node, values)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _value(body if _value(test, values) else orelse, values)
    raise TypeError(f"{ast.unparse(node)} has no value")


def _boolean(decisive: bool, parts: list[ast.expr], values: Mapping[str, Any]) -> Any:
    result: Any = None
    for part in parts:
        result = _value(part, values)
        if bool(result) == decisive:
            break
    return result


def _compare(node: ast.Compare, values: Mapping[str, Any]) -> bool:
    left = _value(node.left, values)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _value(comparator, values)
        if not _COMPARE[type(op)](left, right):
            return False
        left = right
    return True
