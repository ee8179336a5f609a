"""Attributes of Timeloop's architectures: numbers, or arithmetic over other attributes."""

import ast
import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any

MAX_LENGTH = 500
MAX_STEPS = 1000
MAX_POWER = 64
"""Longer arithmetic is refused, and such as takes more steps or higher powers: attributes that stand for others
could ask for any number of them."""

_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}


def number(attributes: Mapping[str, Any], *names: str) -> float | None:
    """The first of these attributes that is there, as a number; None if none is.

    Raises:
        ValueError: it is neither a number nor arithmetic over other attributes.
    """
    for name in names:
        if attributes.get(name) is not None:
            return _Arithmetic(attributes).value(attributes[name], name, ())
    return None


class _Arithmetic:
    """Evaluates attributes of a component, in a bounded number of steps."""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self._attributes = attributes
        self._steps = 0

    def value(self, given: Any, name: str, seen: tuple[str, ...]) -> float:
        """The number that `given` is or stands for; `seen` are the attributes that it is the value of."""
        if isinstance(given, int | float) and not isinstance(given, bool):
            return given
        if not isinstance(given, str) or name in seen:
            raise ValueError(f"attribute {name} must be a number, but got {given!r}")
        if len(given) > MAX_LENGTH:
            raise ValueError(
                f"attribute {name} must have at most {MAX_LENGTH} characters, but has {len(given)}"
            )
        try:
            found = self._evaluate(ast.parse(given.strip(), mode="eval").body, (*seen, name))
            return float(found) if isinstance(found, float) or abs(found) > sys.float_info.max else found
        except (SyntaxError, LookupError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
            raise ValueError(f"attribute {name} must be a number or arithmetic, but got {given!r}") from error

    def _evaluate(self, node: ast.AST, seen: tuple[str, ...]) -> float:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise ValueError(f"an attribute must take at most {MAX_STEPS} steps, but {seen[0]} takes more")
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return value
            case ast.Name(id=name):
                return self.value(self._attributes[name], name, seen)
            case ast.BinOp(left=left, op=operation, right=right):
                first, second = self._evaluate(left, seen), self._evaluate(right, seen)
                if isinstance(operation, ast.Pow) and (abs(second) > MAX_POWER or first < 0):
                    rule = f"a power must be at most {MAX_POWER}, of nothing negative"
                    raise ValueError(f"{rule}, but attribute {seen[0]} has {first}**{second}"[:200])
                return _OPERATORS[type(operation)](first, second)
            case ast.UnaryOp(op=sign, operand=operand):
                return _OPERATORS[type(sign)](self._evaluate(operand, seen))
        raise KeyError(type(node).__name__)
