"""What exporters spell out is put together again: biases, and activation functions of older operator sets.

Only what the tracer meets as one operation in torch; all else is priced as it is written. Shapes of constants
tell which values are constants.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

from accel_models.onnx.step import Node

Shapes = Mapping[str, tuple[int, ...]]


class Links:
    """Who makes and who uses a value."""

    def __init__(self, nodes: Sequence[Node], constants: Shapes, outputs: Sequence[str]) -> None:
        self.constants = constants
        self._makers = {name: node for node in nodes for name in node.outputs}
        self._users = {name: node for node in nodes for name in node.inputs}
        self._uses = Counter(name for node in nodes for name in node.inputs)
        self._uses.update(outputs)

    def maker(self, value: str, *op_types: str) -> Node | None:
        """The node of such a type that makes a value which is used only once."""
        return self._of_type(self._makers.get(value), value, op_types)

    def user(self, value: str, *op_types: str) -> Node | None:
        """The node of such a type that alone uses a value."""
        return self._of_type(self._users.get(value), value, op_types)

    def _of_type(self, node: Node | None, value: str, op_types: tuple[str, ...]) -> Node | None:
        fits = node is not None and node.op_type in op_types and not node.domain
        return node if fits and self._uses[value] == 1 else None

    def scaled(self, node: Node | None) -> str | None:
        """What a node combines with a constant number; None: it does something else."""
        for value, other in pairs(node):
            if prod(self.constants.get(other, (0,))) == 1 and value not in self.constants:
                return value
        return None


def pairs(node: Node | None) -> Iterator[tuple[str, str]]:
    """The two inputs of a node both ways round; nothing if it has not two."""
    if node is not None and len(node.inputs) == 2:
        yield node.inputs[0], node.inputs[1]
        yield node.inputs[1], node.inputs[0]


def merge_biases(nodes: Sequence[Node], constants: Shapes, outputs: Sequence[str]) -> tuple[Node, ...]:
    """Make the `Add` of a constant vector right behind a `MatMul` by constants its third input: a bias.

    This is how exporters write a linear layer on tensors of more than two axes.
    """
    links = Links(nodes, constants, outputs)
    merged: dict[str, Node | None] = {}
    for node in nodes:
        for value, bias in pairs(node) if node.op_type == "Add" and not node.domain else ():
            product = links.maker(value, "MatMul")
            weight = constants.get(product.inputs[1], ()) if product else ()
            if product and len(weight) == 2 and constants.get(bias) == weight[1:]:
                merged[product.name] = replace(product, inputs=(*product.inputs, bias), outputs=node.outputs)
                merged[node.name] = None
    return _replaced(nodes, merged)


def merge_activations(nodes: Sequence[Node], constants: Shapes, outputs: Sequence[str]) -> tuple[Node, ...]:
    """Write `x * sigmoid(x)` as `Swish`, and `x * (erf(x / sqrt(2)) + 1) / 2` as `Gelu`, in any order."""
    links = Links(nodes, constants, outputs)
    merged: dict[str, Node | None] = {}
    for node in nodes:
        if node.op_type == "Mul" and not node.domain:
            merged |= _swish(node, links) or _gelu(node, links)
    return _replaced(nodes, merged)


def _swish(product: Node, links: Links) -> dict[str, Node | None]:
    """What replaces the nodes of a swish that ends in this product; empty: it is none."""
    for x, gate in pairs(product):
        sigmoid = links.maker(gate, "Sigmoid")
        if sigmoid and sigmoid.inputs == (x,):
            return {sigmoid.name: None, product.name: replace(product, op_type="Swish", inputs=(x,))}
    return {}


def _gelu(product: Node, links: Links) -> dict[str, Node | None]:
    """What replaces the nodes of a GELU around this product of x (or x / 2) and erf(...) + 1."""
    for left, right in pairs(product):
        shift = links.maker(right, "Add")
        erf = links.maker(links.scaled(shift) or "", "Erf")
        scale = links.maker(erf.inputs[0], "Div", "Mul") if erf else None
        x = links.scaled(scale)
        if not (shift and erf and scale and x):
            continue
        halving = links.maker(left, "Mul", "Div") if left != x else links.user(product.outputs[0], "Mul", "Div")
        if halving is None or links.scaled(halving) != (x if left != x else product.outputs[0]):
            continue
        last = product if left != x else halving
        dropped = {node.name: None for node in (scale, erf, shift, halving, product)}
        return {**dropped, last.name: replace(last, op_type="Gelu", inputs=(x,))}
    return {}


def _replaced(nodes: Sequence[Node], merged: Mapping[str, Node | None]) -> tuple[Node, ...]:
    kept = ((merged.get(node.name, node)) for node in nodes)
    return tuple(node for node in kept if node is not None)
