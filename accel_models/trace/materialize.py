"""Lends a module tensors without data for one forward pass, and gives it back as it was.

Three stages, each tried if the one before failed: *fake* tensors (shapes, types and devices without memory;
buffers and constants stay real, so that code may read numbers from them), *meta* tensors (shapes
only: some kernels need no more), *real* tensors (for networks whose way depends on data; below a memory
limit).
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map_only

from accel_models.trace.operators import is_real
from accel_models.trace.registry import tensors_in

Stage = Literal["fake", "meta", "real"]
Lend = Callable[[torch.Tensor], torch.Tensor]

RANDOM_SCALE = 0.02  # standard deviation of stand-in weights, as transformers are initialized with
REGISTRIES = ("_parameters", "_buffers", "_modules")


def build_without_weights(factory: Callable[[], nn.Module]) -> nn.Module:
    """Call a factory so that the module it builds holds its parameters on the meta device.

    Buffers, and whatever else a constructor computes, stay real: constructors that read numbers work, which
    under ``torch.device("meta")`` they do not. No page of the parameters' memory is touched unless the
    constructor fills a tensor before it makes it a parameter.

    Args:
        factory: builds the module, without arguments.

    Returns:
        The module, ready for `trace`; not for computing.
    """
    original = nn.Module.register_parameter

    def register(module: nn.Module, name: str, param: nn.Parameter | None) -> None:
        if param is not None and not isinstance(param, nn.UninitializedParameter) and not param.is_meta:
            param = nn.Parameter(param.detach().to("meta"), requires_grad=param.requires_grad)
        original(module, name, param)

    nn.Module.register_parameter = register  # type: ignore[method-assign, assignment]
    try:
        return factory()
    finally:
        nn.Module.register_parameter = original  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Loan:
    """What one stage runs with: inputs, the module's constant tensors, and the fake mode if there is one."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    constants: tuple[torch.Tensor, ...]
    fake_mode: FakeTensorMode | None


@contextmanager
def lend(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], stage: Stage) -> Iterator[Loan]:
    """Run the body with the module's tensors replaced as the stage asks; put everything back after."""
    with ExitStack() as stack:
        stack.enter_context(_untouched(module))
        stack.enter_context(torch.random.fork_rng(devices=[]))
        mode = stack.enter_context(FakeTensorMode(allow_non_fake_inputs=True)) if stage == "fake" else None
        parameter, buffer = _lenders(stage)
        module.eval()
        _replace(module, parameter, buffer)
        if stage == "meta":
            stack.enter_context(torch.device("meta"))
        stack.enter_context(torch.no_grad())
        lent_args, lent_kwargs = tree_map_only(torch.Tensor, parameter, (args, kwargs))
        yield Loan(lent_args, lent_kwargs, tuple(constants_of(module)), mode)


def _lenders(stage: Stage) -> tuple[Lend, Lend]:
    """What replaces parameters and inputs, and what replaces buffers and plain tensors."""
    if stage == "real":
        copy = _Copy(torch.Generator().manual_seed(0))
        return copy, copy
    device = "meta" if stage == "meta" else "cpu"

    def empty(tensor: torch.Tensor) -> torch.Tensor:
        return _empty(tensor, device)

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        return tensor if is_real(tensor) and tensor.device.type == "cpu" else empty(tensor)

    return empty, keep if stage == "fake" else empty


def _empty(tensor: torch.Tensor, device: str) -> torch.Tensor:
    if tensor.layout is not torch.strided:
        return tensor.to(device)
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)


@dataclass(frozen=True, slots=True)
class _Copy:
    """Copies a tensor; one without data becomes small random numbers, or zeros if it holds integers."""

    generator: torch.Generator

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        if is_real(tensor):
            return tensor.detach().clone()
        copy = torch.zeros(tensor.shape, dtype=tensor.dtype)
        if tensor.is_floating_point():
            copy.normal_(0, RANDOM_SCALE, generator=self.generator)
        return copy


def _replace(module: nn.Module, lend_parameter: Lend, lend_buffer: Lend) -> None:
    """Replace parameters, buffers and plain tensors, also in lists and dicts; tied ones stay tied."""
    lent: dict[int, torch.Tensor] = {}

    def parameter(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in lent:
            new = nn.Parameter(lend_parameter(tensor), requires_grad=False)
            lent[id(tensor)] = lent[id(new)] = new
        return lent[id(tensor)]

    def buffer(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in lent:
            lent[id(tensor)] = lend_buffer(tensor)
        return lent[id(tensor)]

    for part in module.modules():
        for name, tensor in _tensors(part._parameters):
            setattr(part, name, parameter(tensor))  # the setter, since recurrent modules keep a second list
    for part in module.modules():
        plain = [value for name, value in part.__dict__.items() if name not in REGISTRIES]
        for holder in (part._buffers, part.__dict__, *(v for v in plain if isinstance(v, (list, dict)))):
            for key, tensor in _tensors(holder):
                holder[key] = buffer(tensor)


def _tensors(holder: Any) -> list[tuple[Any, torch.Tensor]]:
    """Keys (or positions) and tensors of a dict (or list)."""
    items = holder.items() if hasattr(holder, "items") else enumerate(holder)
    return [(key, value) for key, value in items if isinstance(value, torch.Tensor)]


def constants_of(module: nn.Module) -> Iterator[torch.Tensor]:
    """Parameters, buffers, and tensors that are plain attributes."""
    yield from module.parameters()
    yield from module.buffers()
    for part in module.modules():
        plain = (value for name, value in part.__dict__.items() if name not in REGISTRIES)
        yield from tensors_in(plain)


def bytes_held(module: nn.Module, inputs: Any) -> int:
    """Bytes of a module's parameters and buffers and of its inputs, tied ones once."""
    tensors = {id(t): t for t in (*module.parameters(), *module.buffers(), *tensors_in((inputs,)))}
    return sum(t.numel() * t.element_size() for t in tensors.values())


@contextmanager
def _untouched(module: nn.Module) -> Iterator[None]:
    """Restore every attribute of every submodule, and lists, dicts and sets that they hold."""
    saved = [(part, dict(part.__dict__), _containers(part)) for part in module.modules()]
    scripted = [
        (part, name, tensor)
        for part in module.modules()
        if isinstance(part, torch.jit.ScriptModule)  # holds its tensors out of reach of its attributes
        for name, tensor in (*_tensors(part._parameters), *_tensors(part._buffers))
    ]
    try:
        yield
    finally:
        for part, attributes, containers in saved:
            for container, content in containers:
                container.clear()
                (container.extend if isinstance(container, list) else container.update)(content)
            part.__dict__.clear()
            part.__dict__.update(attributes)
        for part, name, tensor in scripted:
            setattr(part, name, tensor)


def _containers(part: nn.Module) -> list[tuple[Any, Any]]:
    return [(v, v.copy()) for v in part.__dict__.values() if isinstance(v, (list, dict, set))]


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Switch off what hides products: fused multi-head attention, oneDNN, compiled code; and chatter."""
    fast_path = torch.backends.mha.get_fastpath_enabled()
    onednn = torch._C._get_mkldnn_enabled()
    chatter = logging.getLogger("torch._subclasses.fake_tensor")  # logs failures that the next stage may mend
    muted = chatter.disabled
    torch._C._set_mkldnn_enabled(False)
    torch.backends.mha.set_fastpath_enabled(False)
    chatter.disabled = True
    try:
        with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", message="Using `torch.compile\\(module\\)` when there are global hooks"
            )
            yield
    finally:
        chatter.disabled = muted
        torch.backends.mha.set_fastpath_enabled(fast_path)
        torch._C._set_mkldnn_enabled(onednn)
