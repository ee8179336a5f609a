"""Rules as text: conditions such as `pe_x * pe_y <= 256`, read from files and never handed to `eval`.

    condition   comparison | condition and condition | condition or condition | not condition
    comparison  number < <= == != >= > number (chains too), word == != word
    number      a numeric parameter, a literal, or + - * / // % of numbers
    word        a categorical parameter, or a literal in quotes

Nothing else is understood: no call, no attribute, no index, no power.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from search_spaces.parameter import Categorical, Parameter
from search_spaces.quantity import is_number, nearest_name
from search_spaces.space import Point

MAX_LENGTH = 500
MAX_DEPTH = 40
"""Longer or deeper conditions are refused, so that no text can exhaust the parser."""

_Kind = Literal["condition", "number", "word"]

_ARITHMETIC: Mapping[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_SIGNS: Mapping[type[ast.AST], Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_COMPARISONS: Mapping[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule: the condition `text` over a point's parameters must hold. Made by `parse_rule`."""

    text: str
    tree: ast.expr = field(repr=False, compare=False)

    def __call__(self, point: Point) -> str | None:
        """Why `point` is ruled out, or None."""
        try:
            if _evaluate(self.tree, point):
                return None
            evidence = ""
        except ArithmeticError as error:
            evidence = f" ({error})"
        names = dict.fromkeys(node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name))
        return f"`{self.text}` must hold, but {', '.join(f'{name}={point[name]}' for name in names)}{evidence}"


def parse_rule(text: str, parameters: Sequence[Parameter]) -> Condition:
    """Rule of a text, over the names of `parameters`.

    Raises:
        ValueError: it is no condition of this module's language, is about no parameter, names something
            else, or compares a categorical parameter with a word that it never has.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"a rule must have at most {MAX_LENGTH} characters, but got {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"a rule must read like `pe_x * pe_y <= 256`, but got {text!r} ({error})") from None
    checker = _Checker(text, {parameter.name: parameter for parameter in parameters})
    if checker.kind(tree) != "condition":
        raise ValueError(f"a rule must compare something, but got {text!r}")
    if not any(isinstance(node, ast.Name) for node in ast.walk(tree)):
        raise ValueError(f"a rule must be about a parameter, but got {text!r}")
    return Condition(text.strip(), tree)


@dataclass(frozen=True, slots=True)
class _Checker:
    """Decides before any point is seen whether a tree belongs to the language, and what it yields."""

    text: str
    parameters: Mapping[str, Parameter]

    def kind(self, node: ast.expr, depth: int = 0) -> _Kind:
        if depth > MAX_DEPTH:
            raise ValueError(f"a rule must not be nested deeper than {MAX_DEPTH}, but got {self.text!r}")
        match node:
            case ast.Name(id=name):
                return self._name(name)
            case ast.Constant(value=str()):
                return "word"
            case ast.Constant(value=value) if is_number(value):
                return "number"
            case ast.BoolOp(values=operands):
                return self._require(operands, "condition", depth, "condition")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._require([operand], "condition", depth, "condition")
            case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _SIGNS:
                return self._require([operand], "number", depth, "number")
            case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _ARITHMETIC:
                return self._require([left, right], "number", depth, "number")
            case ast.Compare():
                return self._comparison(node, depth)
        raise self._refusal(node, "must use only + - * / // %, comparisons, and, or, not, names and literals")

    def _name(self, name: str) -> _Kind:
        if name not in self.parameters:
            known = tuple(self.parameters)
            raise ValueError(
                f"`{self.text}` must name parameters only, but got {name!r}{nearest_name(name, known)}"
            )
        return "word" if isinstance(self.parameters[name], Categorical) else "number"

    def _require(self, operands: Sequence[ast.expr], wanted: _Kind, depth: int, result: _Kind) -> _Kind:
        for operand in operands:
            if (kind := self.kind(operand, depth + 1)) != wanted:
                raise self._refusal(operand, f"needs a {wanted} where it has a {kind}")
        return result

    def _comparison(self, node: ast.Compare, depth: int) -> _Kind:
        sides = [node.left, *node.comparators]
        if any(type(comparison) not in _COMPARISONS for comparison in node.ops):
            raise self._refusal(node, "must compare by < <= == != >= or >")
        kind = self.kind(sides[0], depth + 1)
        if kind == "number":
            return self._require(sides[1:], "number", depth, "condition")
        if kind == "condition" or not all(
            isinstance(comparison, ast.Eq | ast.NotEq) for comparison in node.ops
        ):
            raise self._refusal(node, "must compare numbers, or words by == and != only")
        self._require(sides[1:], "word", depth, "condition")
        for side in sides:
            if isinstance(side, ast.Name):
                for other in sides:
                    if isinstance(other, ast.Constant):
                        self.parameters[side.id].check(other.value)
        return "condition"

    def _refusal(self, node: ast.expr, rule: str) -> ValueError:
        return ValueError(f"`{self.text}` {rule}, but got `{ast.unparse(node)}`")


def _evaluate(node: ast.expr, point: Point) -> Any:
    """Value of a checked tree at `point`."""
    match node:
        case ast.Name(id=name):
            return point[name]
        case ast.Constant(value=value):
            return value
        case ast.BoolOp(op=operation, values=operands):
            holds = all if isinstance(operation, ast.And) else any
            return holds(_evaluate(operand, point) for operand in operands)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _evaluate(operand, point)
        case ast.UnaryOp(op=sign, operand=operand):
            return _SIGNS[type(sign)](_evaluate(operand, point))
        case ast.BinOp(left=left, op=operation, right=right):
            return _ARITHMETIC[type(operation)](_evaluate(left, point), _evaluate(right, point))
        case ast.Compare(left=left, ops=comparisons, comparators=comparators):
            sides = [_evaluate(side, point) for side in (left, *comparators)]
            pairs = zip(comparisons, sides, sides[1:], strict=False)
            return all(_COMPARISONS[type(comparison)](a, b) for comparison, a, b in pairs)
    raise AssertionError(f"unchecked node {type(node).__name__}")
