"""Safe expressions over a trial's fields, such as ``dataset == 'mnist' and depth <= 8``.

Python's grammar, but only literals, field names, comparisons, ``and``, ``or``, ``not``, ``in``, arithmetic and
conditional expressions; nothing is ever called, looked up or evaluated as code.
"""

import ast
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sweep.errors import SweepError
from sweep.factors import unknown_name
from sweep.identity import current

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
_MAX_LENGTH = 2000

Values = Mapping[str, Any]
Evaluator = Callable[[Values], Any]


class Expression:
    """A parsed expression; call it with a mapping of names to values.

    Raises SweepError on parsing what is not in the language or names an unknown field, and on evaluating an
    operation that its values do not have.
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        self.text = text.strip()
        self._names = names
        if len(self.text) > _MAX_LENGTH:
            raise SweepError(f"the expression is {len(self.text)} characters long, but may have {_MAX_LENGTH}")
        try:
            tree = ast.parse(self.text, mode="eval")
            self._evaluate = self._compile(tree.body)
        except SyntaxError as error:
            column = f" at character {error.offset}" if error.offset else ""
            raise SweepError(f"the expression {text!r} cannot be read{column}: {error.msg}") from None
        except (RecursionError, MemoryError, ValueError):
            raise SweepError(f"the expression {self.text[:40]!r}… is nested too deeply or malformed") from None

    def __call__(self, values: Values) -> bool:
        try:
            return bool(self._evaluate(values))
        except (TypeError, ZeroDivisionError, OverflowError, RecursionError) as error:
            raise SweepError(f"the expression {self.text!r} cannot be computed: {error}") from None

    def _compile(self, node: ast.expr) -> Evaluator:
        match node:
            case ast.Constant(value=str() | int() | float() as constant):
                return lambda values: constant
            case ast.Name(id=written):
                name = current(written)
                if name not in self._names:
                    raise unknown_name("factor", name, self._names)
                return lambda values: values[name]
            case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
                parts = [self._compile(element) for element in elements]
                collection = _COLLECTIONS[type(node)]
                return lambda values: collection(part(values) for part in parts)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                unary, inner = _UNARY[type(op)], self._compile(operand)
                return lambda values: unary(inner(values))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return self._binary(_BINARY[type(op)], self._compile(left), self._compile(right))
            case ast.BoolOp(op=op, values=operands):
                return self._boolean(isinstance(op, ast.And), [self._compile(operand) for operand in operands])
            case ast.Compare() if all(type(op) in _COMPARE for op in node.ops):
                return self._comparison(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                condition, yes, no = self._compile(test), self._compile(body), self._compile(orelse)
                return lambda values: yes(values) if condition(values) else no(values)
        raise SweepError(
            f"the expression {self.text!r} has {ast.unparse(node)!r} in it, but may hold only fields, literals, "
            "comparisons, arithmetic, and, or, not, in"
        )

    @staticmethod
    def _binary(operation: Callable[[Any, Any], Any], left: Evaluator, right: Evaluator) -> Evaluator:
        def evaluate(values: Values) -> Any:
            operands = left(values), right(values)
            # Text would make % a formatter and * a memory bomb.
            if not all(isinstance(operand, int | float) for operand in operands):
                raise TypeError("arithmetic takes numbers alone")
            return operation(*operands)

        return evaluate

    @staticmethod
    def _boolean(every: bool, parts: list[Evaluator]) -> Evaluator:
        def evaluate(values: Values) -> Any:
            result: Any = every
            for part in parts:
                result = part(values)
                if bool(result) != every:
                    break
            return result

        return evaluate

    def _comparison(self, node: ast.Compare) -> Evaluator:
        operands = [self._compile(operand) for operand in (node.left, *node.comparators)]
        operations = [_COMPARE[type(op)] for op in node.ops]

        def evaluate(values: Values) -> bool:
            left = operands[0](values)
            for operation, operand in zip(operations, operands[1:], strict=True):
                right = operand(values)
                if not operation(left, right):
                    return False
                left = right
            return True

        return evaluate
