"""Which layers share channels: a network's code traced by torch.fx, followed from producers to consumers.

A convolution writes new channels and reads those of its input. Norms, activations, poolings and depthwise
convolutions carry channels on. Where tensors are added or multiplied their channels are the same, where they
are concatenated they stand one behind the other. What is not understood stops nothing: channels that go into
it, or come out of it, keep their number, and the reason is known.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp, TensorMetadata
from torch.nn.modules.batchnorm import _BatchNorm

from apollo_dse.codesign.morphism.axes import Axis, Group, Groups, Segment
from apollo_dse.codesign.morphism.operations import (
    CARRYING,
    CARRYING_MODULES,
    JOINING,
    flattens,
    keeps_channels,
    name_of,
)
from apollo_dse.codesign.morphism.surgery import MorphismError, is_convolution, part

Role = Literal["writes", "reads", "carries"]


@dataclass(frozen=True, slots=True)
class Use:
    """How a layer's parameters run along channels: it makes them, mixes them, or has some for each."""

    layer: str
    role: Role
    axis: Axis


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of a network.

    Attributes:
        groups: by name; a group's channels are the same in all layers that use it.
        uses: of all layers with parameters along channels, in the order in which they are called.
        calls: how often every submodule that is not traced into is called.
        graph: what was traced.
    """

    groups: dict[int, Group]
    uses: tuple[Use, ...]
    calls: dict[str, int]
    graph: fx.Graph

    def written(self, layer: str) -> Segment:
        """The channels that a layer makes.

        Raises:
            MorphismError: it makes none.
        """
        for use in self.uses:
            if use.layer == layer and (use.role == "writes" or (use.role == "carries" and len(use.axis) == 1)):
                return use.axis[0]
        raise MorphismError(f"a layer must write channels, but {layer!r} is not called or does not")

    def along(self, group: int) -> tuple[Use, ...]:
        """All uses of a group."""
        return tuple(use for use in self.uses if any(segment.group == group for segment in use.axis))

    @property
    def free(self) -> dict[str, int]:
        """Layers whose channels may change in number, with the group: of each group its first writer."""
        first: dict[int, str] = {}
        for use in self.uses:
            if use.role == "writes" and self.groups[use.axis[0].group].fixed_because is None:
                first.setdefault(use.axis[0].group, use.layer)
        return {layer: group for group, layer in first.items()}


def channels(module: nn.Module, example: Tensor) -> Channels:
    """Follow the channels of `module` from its input to its output.

    Args:
        module: a network of one input; it is left as it is.
        example: an input, [n, channels, ...]; only its shape and type matter.

    Raises:
        MorphismError: the code cannot be traced, since its way depends on data, or fails on the example.
    """
    traced = traced_with_shapes(module, example)
    follower = _Follower(module)
    for node in traced.graph.nodes:
        follower.follow(node)
    return follower.found(traced.graph)


def traced_with_shapes(module: nn.Module, example: Tensor) -> fx.GraphModule:
    """The module's graph, every node with the shape of what it computes.

    Raises:
        MorphismError: as in `channels`.
    """
    try:
        traced = fx.symbolic_trace(_without_data(module).eval())
        with torch.no_grad():
            ShapeProp(traced).propagate(example.to("meta"))
    except Exception as error:
        rule = "a network must be traceable by torch.fx, without ways that depend on data"
        raise MorphismError(f"{rule}, but {type(module).__name__} is not: {error}") from error
    return traced


def _without_data(module: nn.Module) -> nn.Module:
    """A copy whose weights have shapes alone."""
    tensors: tuple[Tensor, ...] = (*module.parameters(), *module.buffers())
    bare = {
        id(each): nn.Parameter(each.to("meta"), each.requires_grad)
        if isinstance(each, nn.Parameter)
        else each.to("meta")
        for each in tensors
    }
    return deepcopy(module, bare)


def shape_of(node: object) -> torch.Size | None:
    """The shape of what a traced node computes; None if that is no tensor."""
    meta = node.meta.get("tensor_meta") if isinstance(node, fx.Node) else None
    return meta.shape if isinstance(meta, TensorMetadata) else None


class _Follower:
    """Axes of all nodes, uses of all layers, as far as the graph was followed."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.groups = Groups()
        self.axes: dict[fx.Node, Axis] = {}
        self.uses: dict[tuple[str, Role], Axis] = {}
        self.calls: dict[str, int] = {}

    def found(self, graph: fx.Graph) -> Channels:
        uses = tuple(Use(*key, self.groups.resolved(axis)) for key, axis in self.uses.items())
        names = {segment.group for use in uses for segment in use.axis}
        return Channels({name: self.groups[name] for name in names}, uses, self.calls, graph)

    def follow(self, node: fx.Node) -> None:
        """Find the axis of a node from those of its inputs."""
        shape = shape_of(node)
        if node.op == "call_module":
            self.calls[str(node.target)] = self.calls.get(str(node.target), 0) + 1
        if node.op == "output":
            self._fix_inputs(node, "they are the network's output")
        elif node.op == "placeholder":
            self._fresh(node, "they are the network's input")
        elif node.op == "get_attr" or shape is None:
            self._unless_sizes(node)
        elif node.op == "call_module":
            self._module(node, part(self.module, str(node.target)), str(node.target))
        else:
            self._operation(node)

    def _inputs(self, node: fx.Node) -> list[fx.Node]:
        return [each for each in node.all_input_nodes if each in self.axes]

    def _fix_inputs(self, node: fx.Node, because: str) -> None:
        for each in self._inputs(node):
            self.groups.fix(self.axes[each], because)

    def _fresh(self, node: fx.Node, because: str | None = None) -> Axis | None:
        """New channels of a node; tensors without a second dimension have none."""
        shape = shape_of(node)
        if shape is not None and len(shape) >= 2:
            self.axes[node] = self.groups.new(shape[1], because)
        return self.axes.get(node)

    def _unknown(self, node: fx.Node) -> None:
        because = f"they go through {name_of(node, self.module)}, which is not understood"
        self._fix_inputs(node, because)
        self._fresh(node, because)

    def _unless_sizes(self, node: fx.Node) -> None:
        """Weights that are used by code are not understood; numbers and sizes are no tensors."""
        shape = shape_of(node)
        if node.op == "get_attr" and shape is not None and len(shape) >= 1:
            size = shape[min(1, len(shape) - 1)]
            self.axes[node] = self.groups.new(size, f"{node.target} is used by the network's code")
        elif node.op != "get_attr" and node.target not in (getattr, "size", "dim"):
            self._fix_inputs(node, f"they go through {name_of(node, self.module)}, which is not understood")

    def _module(self, node: fx.Node, module: nn.Module, name: str) -> None:
        inputs = self._inputs(node)
        axis = self.axes[inputs[0]] if len(inputs) == 1 else None
        shape = shape_of(inputs[0]) if inputs else None
        if axis is None or shape is None:
            self._unknown(node)
        elif is_convolution(module):
            self._convolution(node, module, name, axis)
        elif isinstance(module, nn.Linear) and len(shape) == 2:
            self._use(name, "reads", axis)
            self.axes[node] = self._use(name, "writes", self.groups.new(module.out_features))
        elif isinstance(module, _BatchNorm) or (isinstance(module, nn.PReLU) and module.num_parameters > 1):
            self.axes[node] = self._use(name, "carries", axis)
        elif isinstance(module, nn.Flatten) and flattens(shape, shape_of(node)):
            self._flatten(node, axis, shape)
        elif isinstance(module, CARRYING_MODULES):
            self.axes[node] = axis
        else:
            self._unknown(node)

    def _convolution(self, node: fx.Node, module: Any, name: str, axis: Axis) -> None:
        if module.groups > 1 and module.groups == module.in_channels:
            multiplier = module.out_channels // module.in_channels
            self._use(name, "carries", axis)
            self.axes[node] = tuple(Segment(each.group, each.inner * multiplier) for each in axis)
            return
        written = self.groups.new(module.out_channels)
        because = f"{name} is a convolution of {module.groups} groups that reads parts of several layers"
        self.groups.part(axis, module.groups, because)
        self.groups.part(written, module.groups, because)
        self._use(name, "reads", axis)
        self.axes[node] = self._use(name, "writes", written)

    def _use(self, layer: str, role: Role, axis: Axis) -> Axis:
        """Note a use; a layer that is called again has the channels that it had."""
        known = self.uses.setdefault((layer, role), axis)
        return self.groups.merge((known, axis), f"{layer} is called on different channels")

    def _flatten(self, node: fx.Node, axis: Axis, shape: torch.Size) -> None:
        pixels = shape[2:].numel()
        self.axes[node] = tuple(Segment(each.group, each.inner * pixels) for each in axis)

    def _operation(self, node: fx.Node) -> None:
        inputs, shape = self._inputs(node), shape_of(node)
        target = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        rules: tuple[tuple[bool, Callable[[], None]], ...] = (
            (target in JOINING, lambda: self._join(node, inputs)),
            (target in CARRYING and len(inputs) == 1, lambda: self._carry(node, inputs[0])),
            (keeps_channels(node, target, shape_of), lambda: self._carry(node, inputs[0])),
            (target in ("cat", "concat", "concatenate"), lambda: self._concatenate(node)),
        )
        for applies, act in rules:
            if applies and inputs and shape is not None:
                return act()
        if len(inputs) == 1 and target in ("flatten", "view", "reshape") and self._flattened(node, inputs[0]):
            return None
        return self._unknown(node)

    def _carry(self, node: fx.Node, source: fx.Node) -> None:
        self.axes[node] = self.axes[source]

    def _flattened(self, node: fx.Node, source: fx.Node) -> bool:
        shape = shape_of(source)
        last = node.args[-1]
        features = last[-1] if isinstance(last, (tuple, list)) else last
        open_ended = node.target in ("flatten", torch.flatten) or features == -1
        if shape is None or not flattens(shape, shape_of(node)) or not open_ended:
            return False
        self._flatten(node, self.axes[source], shape)
        return True

    def _concatenate(self, node: fx.Node) -> None:
        dim = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
        listed = node.args[0] if node.args else node.kwargs.get("tensors")
        parts = list(listed) if isinstance(listed, (tuple, list)) else []
        if dim not in (1, "1") or not all(each in self.axes for each in parts):
            self._unknown(node)
        else:
            self.axes[node] = tuple(segment for each in parts for segment in self.axes[each])

    def _join(self, node: fx.Node, inputs: list[fx.Node]) -> None:
        """Element by element: channels meet, and one channel alone meets all of the other's."""
        shapes = [shape_of(each) for each in inputs]
        rank = max(len(shape) for shape in shapes if shape is not None)
        if any(shape is None or len(shape) != rank for shape in shapes):
            self._unknown(node)
            return
        sizes = [self.groups.size(self.axes[each]) for each in inputs]
        for each, size in zip(inputs, sizes, strict=True):
            if size < max(sizes):
                self.groups.fix(self.axes[each], "they are spread over all channels of another tensor")
        wide = [self.axes[each] for each, size in zip(inputs, sizes, strict=True) if size == max(sizes)]
        because = f"they meet concatenated ones in {name_of(node, self.module)}"
        self.axes[node] = self.groups.merge(wide, because)
