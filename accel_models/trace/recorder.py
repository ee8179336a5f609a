"""Listens to every operation of one forward pass and keeps what its rules yield.

A dispatch mode sees the operations as they reach the kernels, a function mode the few functions that are priced
whole (attention, recurrent networks), and module hooks tell where they happen. Where a tensor comes from is
known by its storage, which views share: so views cost nothing and hide nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from accel_models.trace import operators
from accel_models.trace.origins import Origin, Origins
from accel_models.trace.registry import Call, Record, Rule, rule_for, tensors_in
from accel_models.trace.sequence import COMPOSITES, Composite
from accel_models.trace.vector import elementwise
from accel_models.workload import Layer, UnpricedOp, VectorOp, Workload


@dataclass(slots=True)
class Recording:
    """What was met, merged by shape, in order of first appearance."""

    repeats: dict[Record, int] = field(default_factory=dict)
    names: dict[Record, str] = field(default_factory=dict)
    unpriced: Counter[str] = field(default_factory=Counter)
    unpriced_in: dict[str, set[str]] = field(default_factory=dict)

    def add(self, record: Record, name: str) -> None:
        """Keep one record; one of the same shape only raises its repeats."""
        shape = replace(record, name="", repeats=1)
        self.names.setdefault(shape, name)
        self.repeats[shape] = self.repeats.get(shape, 0) + record.repeats

    def add_unpriced(self, op: str, module: str) -> None:
        """Keep the name of an operation that no rule knows."""
        self.unpriced[op] += 1
        self.unpriced_in.setdefault(op, set()).add(module)

    def workload(self, name: str) -> Workload:
        """The records with unique names: a name met again gets a number behind it."""
        taken: Counter[str] = Counter()
        layers: list[Layer] = []
        vector_ops: list[VectorOp] = []
        for shape, repeats in self.repeats.items():
            base = self.names[shape]
            taken[base] += 1
            unique = base if taken[base] == 1 else f"{base}#{taken[base]}"
            named = replace(shape, name=unique, repeats=repeats)
            if isinstance(named, Layer):
                layers.append(named)
            else:
                vector_ops.append(named)
        unpriced = tuple(UnpricedOp(name=op, count=count) for op, count in self.unpriced.items())
        return Workload(name=name, layers=tuple(layers), vector_ops=tuple(vector_ops), unpriced=unpriced)


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the operations of one forward pass; enter `listening()` around it.

    Args:
        module: the network, for the paths of its submodules.
        constants: its parameters, buffers and other tensors that do not depend on the inputs.
        fake_mode: the mode that makes tensors fake, if any; small constants are then computed for real, so
            that code may read numbers from them, but nothing real is written to.

    Attributes:
        recording: what was met.
        failed_at: operation and module path of the last operation that raised.
    """

    supports_higher_order_operators = True

    def __init__(
        self, module: nn.Module, constants: Iterable[torch.Tensor], fake_mode: FakeTensorMode | None = None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recording = Recording()
        self.failed_at: tuple[str, str] | None = None
        self._origins = Origins()
        self._mark(constants, Origin.CONSTANT)
        self._paths = {id(m): _readable(path) for path, m in module.named_modules()}
        self._stack: list[nn.Module] = []
        self._fake_mode = fake_mode
        self._paused = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record what runs inside."""
        with ExitStack() as stack:
            for handle in (
                register_module_forward_pre_hook(self._enter_module),
                register_module_forward_hook(self._leave_module),
            ):
                stack.callback(handle.remove)
            stack.enter_context(_Wholes(self))
            stack.enter_context(self)
            yield

    @property
    def path(self) -> str:
        """Path of the innermost known module that runs; empty: the whole network."""
        return next((self._paths[id(m)] for m in reversed(self._stack) if id(m) in self._paths), "")

    def _enter_module(self, module: nn.Module, _inputs: Any) -> None:
        self._stack.append(module)

    def _leave_module(self, module: nn.Module, _inputs: Any, _output: Any) -> None:
        while self._stack and self._stack.pop() is not module:
            pass

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._paused or getattr(func, "namespace", "") == "prim":
            return func(*args, **kwargs)
        op = operators.name_of(func)
        rule = rule_for(op, getattr(func, "_overloadname", ""))
        if rule is None and operators.is_composite(func):
            with self:
                return func.decompose(*args, **kwargs)
        arguments = operators.bind(func, args, kwargs)
        with self._blaming(op):
            result = self._run(func, op, arguments, args, kwargs)
        self._record(Call(op, arguments, result, self._origins.is_activation), rule, func)
        return result

    def run_whole(self, composite: Composite, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a function that is priced whole, without listening to its parts."""
        if self._paused:
            return func(*args, **kwargs)
        self._paused = True
        try:
            with self._blaming(composite.name):
                result = func(*args, **kwargs)
        finally:
            self._paused = False
        arguments = composite.bind(args, kwargs)
        self._record(Call(composite.name, arguments, result, self._origins.is_activation), composite.rule)
        return result

    @contextmanager
    def _blaming(self, op: str) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.failed_at = (op, self.path)
            raise

    def _run(self, func: Any, op: str, arguments: dict[str, Any], args: Any, kwargs: Any) -> Any:
        tensors = list(tensors_in(arguments.values()))
        real = all(operators.is_real(t) for t in tensors)
        if op in operators.SHAPED and not real:
            shape = operators.SHAPED[op](Call(op, arguments, None, self._origins.is_activation))
            return tensors[0].new_empty(shape, dtype=arguments.get("out_dtype") or tensors[0].dtype)
        if self._fake_mode is None:
            return func(*args, **kwargs)
        if real and tensors and self._may_compute(func, op, tensors):
            with unset_fake_temporarily():
                return func(*args, **kwargs)
        if operators.writes(func):
            self._mark(operators.written(func, arguments), Origin.ACTIVATION)
            args, kwargs = tree_map_only(torch.Tensor, self._fake_mode.from_tensor, (args, kwargs))
        return func(*args, **kwargs)

    def _may_compute(self, func: Any, op: str, tensors: Sequence[torch.Tensor]) -> bool:
        """Whether an operation on real tensors depends on constants alone, and leaves them as they are."""
        if op in operators.LITERALS:
            return True
        constant = not any(self._origins.is_activation(t) for t in tensors)
        small = sum(t.numel() for t in tensors) <= operators.COMPUTED_WORDS
        return constant and small and not operators.writes(func) and not operators.is_random(func)

    def _record(self, call: Call, rule: Rule | None, func: Any = None) -> None:
        """Price one executed operation, or name it as unpriced, and note where its results come from."""
        origins = [self._origins[t] for t in call.inputs]
        active = [origin for origin in origins if origin is not Origin.CONSTANT]
        written = [*call.outputs, *operators.written(func, call.arguments)]
        if call.op in operators.CONSTANTS:
            self._mark(call.outputs, Origin.CONSTANT)
        elif rule is None and operators.is_free(func, call.op):
            self._inherit(call.outputs, origins)
        elif not active:
            self._keep(self._products(call, rule), call.op)
            self._mark(call.outputs, Origin.ACTIVATION if operators.is_random(func) else Origin.CONSTANT)
        elif rule is None and not operators.is_pointwise(func):
            if any(operators.touches_floats(t) for t in (*call.inputs, *call.outputs)):
                self.recording.add_unpriced(call.op, self.path)
            self._mark(written, Origin.ACTIVATION)
        else:
            constants = [t for t in call.inputs if not self._origins.is_activation(t)]
            small = all(operators.is_per_channel(t) for t in constants)
            before = active[0] if len(active) == 1 and small else Origin.ACTIVATION
            priced = (rule or elementwise)(replace(call, behind_mac=before is Origin.LAYER))
            self._mark(written, self._keep(priced, call.op, may_fuse=before in (Origin.LAYER, Origin.FUSED)))

    @staticmethod
    def _products(call: Call, rule: Rule | None) -> list[Layer]:
        """Products count even if both operands are constants (such as a first zero state)."""
        return [record for record in (rule(call) if rule else ()) if isinstance(record, Layer)]

    def _keep(self, records: Iterable[Record], op: str, *, may_fuse: bool = False) -> Origin:
        """Add records to the recording; what the last of them makes of the result."""
        origin = Origin.ACTIVATION
        for record in records:
            if isinstance(record, Layer):
                origin = Origin.LAYER
                self.recording.add(record, self._name(record.name, record.kind))
            else:
                fused = record.fused and may_fuse
                origin = Origin.FUSED if fused else Origin.ACTIVATION
                part = self._name(record.name, op.rpartition("::")[2].strip("_"))
                self.recording.add(replace(record, fused=fused), part)
        return origin

    def _mark(self, tensors: Iterable[torch.Tensor], origin: Origin) -> None:
        for tensor in tensors:
            self._origins[tensor] = origin

    def _inherit(self, views: Iterable[torch.Tensor], origins: Sequence[Origin]) -> None:
        for view in views:
            if origins and view not in self._origins:
                self._origins[view] = origins[0]

    def _name(self, label: str, what: str) -> str:
        """Module path, and behind a colon the rule's label or, unless in a leaf module, what it is."""
        leaf = bool(self._stack) and not any(True for _ in self._stack[-1].children())
        part = label or ("" if leaf else what)
        return ":".join(filter(None, (self.path, part))) or what


class _Wholes(TorchFunctionMode):
    """Hands the functions that are priced whole to the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        composite = COMPOSITES.get(func)
        if composite is None:
            return func(*args, **(kwargs or {}))
        return self._recorder.run_whole(composite, func, args, kwargs or {})


def _readable(path: str) -> str:
    """A module path without the wrapper that torch.compile puts around."""
    return ".".join(part for part in path.split(".") if part != "_orig_mod")
