"""What a rule sees of one operation, and the table from operation names to rules."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from accel_models.workload import Layer, VectorOp

Record = Layer | VectorOp
"""What a rule yields. Its `name` is a label of the part ("scores"), or empty; the tracer puts the module
path before it. `VectorOp(fused=True)` asks for fusion: see `accel_models.trace.register_op`."""


@dataclass(frozen=True, slots=True)
class Call:
    """One executed operation.

    Attributes:
        op: namespace and name, such as ``"aten::mm"``.
        arguments: by the names of the operator's schema, defaults filled in.
        result: what it returned.
        is_activation: whether a tensor depends on the inputs of the network; parameters, buffers,
            constants and what is computed from these alone do not.
        behind_mac: the only activation among the inputs comes straight from a multiply-accumulate layer.
    """

    op: str
    arguments: Mapping[str, Any]
    result: Any
    is_activation: Callable[[torch.Tensor], bool]
    behind_mac: bool = False

    def __getitem__(self, argument: str) -> Any:
        """The argument of that name."""
        return self.arguments[argument]

    @property
    def inputs(self) -> tuple[torch.Tensor, ...]:
        """All tensors among the arguments, each once."""
        return tuple({id(t): t for t in tensors_in(self.arguments.values())}.values())

    @property
    def outputs(self) -> tuple[torch.Tensor, ...]:
        """All tensors of the result."""
        return tuple(tensors_in((self.result,)))

    @property
    def output(self) -> torch.Tensor:
        """The first tensor of the result."""
        return self.outputs[0]

    @property
    def input_words(self) -> int:
        """Words of all input tensors, each word once however often it is broadcast."""
        return sum(words(t) for t in self.inputs)


Rule = Callable[[Call], Sequence[Record]]

RULES: dict[str, Rule] = {}
"""Rules by ``"namespace::name"`` or ``"namespace::name.overload"``; the more specific name wins."""


def register_op(name: str, rule: Rule) -> None:
    """Teach the tracer an operation, or replace what it knows of one.

    Args:
        name: ``"namespace::name"``, or ``"namespace::name.overload"`` for one overload; ``relu`` covers
            ``relu_`` too.
        rule: from a `Call` to layers and vector operations of one execution; empty: it costs nothing.
            `fused=True` on a vector operation is a wish: it is granted if the operation has exactly one
            activation among its inputs, that comes straight from a layer or another fused operation, and
            the other inputs are no larger than a bias.

    Raises:
        ValueError: the name has no namespace.

    Example:
        >>> def fused_norm(call):
        ...     n = call.output.numel()
        ...     return [VectorOp(name="", kind="norm", ops=5 * n, input_words=n, output_words=n)]
        >>> register_op("mylib::fused_norm", fused_norm)
    """
    namespace, separator, operation = name.partition("::")
    if not (namespace and separator and operation):
        raise ValueError(f"an operation's name must be 'namespace::name', but got {name!r}")
    RULES[name] = rule


def register_all(names: str, rule: Rule) -> None:
    """Register one rule for several names of the ``aten`` namespace, separated by blanks."""
    for name in names.split():
        register_op(f"aten::{name}", rule)


def rule_for(op: str, overload: str) -> Rule | None:
    """The rule of an operation: its overload's, its own, or that of its functional twin; None: unknown."""
    for name in (f"{op}.{overload}", op, op.removesuffix("_")):
        if name in RULES:
            return RULES[name]
    return None


def tensors_in(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    """All tensors in nested lists, tuples and dicts."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)
        elif isinstance(value, dict):
            yield from tensors_in(value.values())


def words(tensor: torch.Tensor) -> int:
    """Distinct words of a tensor: broadcast (stride 0) axes count once."""
    if tensor.layout is not torch.strided or tensor.is_nested:
        return tensor.numel()
    if tensor.numel() == 0:
        return 0
    return prod(size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride != 0)
