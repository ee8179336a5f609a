"""Listens to every operation of one forward pass and keeps what its rules yield.

A dispatch mode sees the operations as they reach the kernels, a function mode the few functions that are priced
whole (attention, recurrent networks), and module hooks tell where they happen. Where a tensor comes from is
known by its storage, which views share: so views cost nothing and hide nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from accel_models.trace.gemm import grouped_mm_shape
from accel_models.trace.registry import Call, Record, rule_for, tensors_in
from accel_models.trace.sequence import COMPOSITES, Composite
from accel_models.workload import Layer, UnpricedOp, VectorOp, Workload

SHAPES_ONLY = frozenset(
    {
        "aten::empty_like",
        "aten::full_like",
        "aten::zeros_like",
        "aten::ones_like",
        "aten::new_empty",
        "aten::new_empty_strided",
        "aten::new_full",
        "aten::new_ones",
        "aten::new_zeros",
        "aten::zero_",
        "aten::fill_",
    }
)
"""Operations that use a tensor for its shape only: their result is a constant."""

FREE = frozenset(
    {
        "aten::_unsafe_view",
        "aten::unsafe_split",
        "aten::unsafe_split_with_sizes",
        "aten::lift",
        "aten::lift_fresh",
        "aten::resize_",
        "aten::set_",
        "aten::_local_scalar_dense",
        "aten::equal",
        "aten::is_nonzero",
        "aten::_assert_async",
        "aten::_assert_scalar",
        "aten::_assert_tensor_metadata",
        "aten::_functional_assert_async",
    }
)
"""Views that the schema does not declare as such, and what the host alone does: reading a number, checks."""

SHAPED = {"aten::_grouped_mm": grouped_mm_shape}
"""Operations whose kernels refuse tensors without data: their results are made from their shape."""


class Origin(Enum):
    """What wrote a storage last."""

    CONSTANT = auto()  # a parameter, a buffer, or computed from these alone
    ACTIVATION = auto()  # depends on the inputs
    LAYER = auto()  # so, and comes straight from a multiply-accumulate layer
    FUSED = auto()  # so, and comes from an operation fused with a layer


class Origins:
    """The origin of every storage seen; one never seen is an activation."""

    def __init__(self) -> None:
        self._by_storage: dict[StorageWeakRef, Origin] = {}

    def __getitem__(self, tensor: torch.Tensor) -> Origin:
        storage = _storage(tensor)
        return Origin.ACTIVATION if storage is None else self._by_storage.get(storage, Origin.ACTIVATION)

    def __setitem__(self, tensor: torch.Tensor, origin: Origin) -> None:
        storage = _storage(tensor)
        if storage is not None:
            self._by_storage[storage] = origin

    def is_activation(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor depends on the inputs."""
        return self[tensor] is not Origin.CONSTANT


def _storage(tensor: torch.Tensor) -> StorageWeakRef | None:
    """Identity of a tensor's storage; None for layouts without one (sparse)."""
    try:
        return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
    except (NotImplementedError, RuntimeError):
        return None


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
    """Records the operations of one forward pass; enter `listening()` around it."""

    supports_higher_order_operators = True

    def __init__(self, module: nn.Module, constants: Iterable[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recording = Recording()
        self.failed_at: tuple[str, str] | None = None
        self._origins = Origins()
        for tensor in constants:
            self._origins[tensor] = Origin.CONSTANT
        self._paths = {id(m): _readable(path) for path, m in module.named_modules()}
        self._stack: list[nn.Module] = []
        self._paused = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Record what runs inside."""
        with ExitStack() as stack:
            for handle in (
                register_module_forward_pre_hook(self._enter_module),
                register_module_forward_hook(self._leave_module, always_call=False),
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
        op = operation_name(func)
        rule = rule_for(op, getattr(func, "_overloadname", ""))
        if rule is None and is_composite(func):
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        arguments = bind(func, args, kwargs)
        try:
            result = self._run(func, op, arguments, args, kwargs)
        except Exception:
            self.failed_at = (op, self.path)
            raise
        self.record(op, rule, arguments, result, func)
        return result

    def _run(self, func: Any, op: str, arguments: dict[str, Any], args: Any, kwargs: Any) -> Any:
        tensors = list(tensors_in(arguments.values()))
        if op in SHAPED and not all(is_real(t) for t in tensors):
            call = Call(op, arguments, None, self._origins.is_activation)
            return tensors[0].new_empty(SHAPED[op](call), dtype=arguments.get("out_dtype") or tensors[0].dtype)
        return func(*args, **kwargs)

    def run_whole(self, composite: Composite, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a function that is priced whole, without listening to its parts."""
        if self._paused:
            return func(*args, **kwargs)
        self._paused = True
        try:
            result = func(*args, **kwargs)
        except Exception:
            self.failed_at = (composite.name, self.path)
            raise
        finally:
            self._paused = False
        rule_of = rule_for(f"torch::{composite.name}", "") or composite.rule
        self.record(f"torch::{composite.name}", rule_of, composite.bind(args, kwargs), result, None)
        return result

    def record(self, op: str, rule: Any, arguments: dict[str, Any], result: Any, func: Any) -> None:
        """Price one executed operation, or name it as unpriced, and note where its results come from."""
        call = Call(op, arguments, result, self._origins.is_activation)
        origins = [self._origins[t] for t in call.inputs]
        active = [origin for origin in origins if origin is not Origin.CONSTANT]
        written = [*call.outputs, *mutated(func, arguments)]
        if rule is None and (op in FREE or is_view(func)):
            if op == "aten::_unsafe_view" or op.startswith("aten::unsafe_split"):
                self._mark(call.outputs, origins[0])
            return
        if op in SHAPES_ONLY or not active:
            constant = not (func is not None and torch.Tag.nondeterministic_seeded in func.tags)
            self._mark(call.outputs, Origin.CONSTANT if constant else Origin.ACTIVATION)
            return
        if rule is None and func is not None and torch.Tag.pointwise in getattr(func, "tags", ()):
            rule = rule_for("aten::add", "")
        if rule is None:
            if any(touches_floats(t) for t in (*call.inputs, *call.outputs)):
                self.recording.add_unpriced(op, self.path)
            self._mark(written, Origin.ACTIVATION)
            return
        only = active[0] if len(active) == 1 else Origin.ACTIVATION
        call = replace(call, behind_mac=only is Origin.LAYER)
        self._keep(rule(call), op, may_fuse=only in (Origin.LAYER, Origin.FUSED), written=written)

    def _keep(self, records: Any, op: str, *, may_fuse: bool, written: list[torch.Tensor]) -> None:
        origin = Origin.ACTIVATION
        for record in records:
            kept = record
            if isinstance(record, Layer):
                origin = Origin.LAYER
            else:
                kept = replace(record, fused=record.fused and may_fuse)
                origin = Origin.FUSED if kept.fused else Origin.ACTIVATION
            self.recording.add(kept, self._name(kept, op))
        self._mark(written, origin)

    def _mark(self, tensors: Iterable[torch.Tensor], origin: Origin) -> None:
        for tensor in tensors:
            self._origins[tensor] = origin

    def _name(self, record: Record, op: str) -> str:
        """Module path, and behind a colon the part: the rule's label or, unless in a leaf module, the kind."""
        kind = record.kind if isinstance(record, Layer) else op.partition("::")[2].strip("_")
        leaf = bool(self._stack) and not any(True for _ in self._stack[-1].children())
        part = record.name or ("" if leaf else kind)
        return ":".join(filter(None, (self.path, part))) or kind


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


def operation_name(func: Any) -> str:
    """``namespace::name`` of an operator."""
    schema = getattr(func, "_schema", None)
    return str(schema.name) if schema is not None else f"higher_order::{func.name()}"


@lru_cache(maxsize=4096)
def _parameters(func: Any) -> tuple[tuple[str, Any, bool], ...]:
    """(name, default, whether it is written) of an operator's arguments."""
    arguments = func._schema.arguments
    return tuple((a.name, a.default_value, bool(a.alias_info and a.alias_info.is_write)) for a in arguments)


def bind(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments by the schema's names, defaults filled in."""
    if not hasattr(func, "_schema"):
        return {**{str(i): value for i, value in enumerate(args)}, **kwargs}
    parameters = _parameters(func)
    bound = {name: default for name, default, _ in parameters}
    for (name, _, _), value in zip(parameters, args, strict=False):
        bound[name] = value
    return bound | kwargs


def mutated(func: Any, arguments: dict[str, Any]) -> list[torch.Tensor]:
    """The arguments that an operator writes to."""
    if not hasattr(func, "_schema"):
        return []
    return list(tensors_in(arguments[name] for name, _, writes in _parameters(func) if writes))


@lru_cache(maxsize=4096)
def is_view(func: Any) -> bool:
    """Whether an operator only looks at its input another way."""
    if not hasattr(func, "_schema"):
        return False
    infos = [a.alias_info for a in (*func._schema.arguments, *func._schema.returns)]
    aliases = [info for info in infos if info is not None]
    return bool(aliases) and not any(alias.is_write for alias in aliases)


@lru_cache(maxsize=4096)
def is_composite(func: Any) -> bool:
    """Whether PyTorch defines an operator by other operators, for every device."""
    name = getattr(func, "name", lambda: "")()
    return hasattr(func, "decompose") and torch._C._dispatch_has_kernel_for_dispatch_key(
        name, "CompositeImplicitAutograd"
    )


def is_real(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds data."""
    from torch._subclasses.fake_tensor import FakeTensor

    return not isinstance(tensor, FakeTensor) and tensor.device.type != "meta"


def touches_floats(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds numbers with a fraction (floating, complex, quantized)."""
    return tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized
