"""What PyTorch's own schema tells of an operator, and what it does not tell.

An operator is an `OpOverload`, or a higher-order operator (without schema), or None for a Python function.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

from accel_models.trace.gemm import grouped_mm_shape
from accel_models.trace.registry import tensors_in

COMPUTED_WORDS = 2**20
"""Constants up to this size are computed for real, so that code may read numbers from them."""


def _aten(names: str) -> frozenset[str]:
    return frozenset(f"aten::{name}" for name in names.split())


LITERALS = _aten("lift lift_fresh")
"""How a tensor written down in the code (``torch.tensor([1, 2])``) enters."""

CONSTANTS = LITERALS | _aten(
    "empty_like full_like zeros_like ones_like new_empty new_empty_strided new_full new_ones new_zeros"
)
"""Operations that use a tensor for its shape only, if at all: their result is a constant."""

FREE = _aten(
    # views that the schema does not declare as such
    "_unsafe_view unsafe_split unsafe_split_with_sizes "
    # a tensor filled with a number, or made anew
    "zero_ fill_ resize_ set_ "
    # what the host does alone: reading a number, checking
    "_local_scalar_dense equal is_nonzero _assert_async _assert_scalar _assert_tensor_metadata "
    "_functional_assert_async sym_size sym_stride sym_numel"
)

SHAPED = {"aten::_grouped_mm": grouped_mm_shape}
"""Operations whose kernels refuse some tensors without data: the result is made from its shape instead."""


def name_of(func: Any) -> str:
    """``namespace::name``."""
    return str(func._schema.name) if hasattr(func, "_schema") else f"higher_order::{func.name()}"


@lru_cache(maxsize=4096)
def _parameters(func: Any) -> tuple[tuple[str, Any, bool], ...]:
    """(name, default, whether it is written) of each argument."""
    if not hasattr(func, "_schema"):
        return ()
    arguments = func._schema.arguments
    return tuple((a.name, a.default_value, bool(a.alias_info and a.alias_info.is_write)) for a in arguments)


def bind(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Arguments by the schema's names, defaults filled in; by position where there is no schema."""
    parameters = _parameters(func)
    names = [name for name, _, _ in parameters] or [str(i) for i in range(len(args))]
    return {name: default for name, default, _ in parameters} | dict(zip(names, args, strict=False)) | kwargs


def written(func: Any, arguments: Mapping[str, Any]) -> list[torch.Tensor]:
    """The arguments that an operator writes to."""
    return list(tensors_in(arguments[name] for name, _, writes in _parameters(func) if writes))


def writes(func: Any) -> bool:
    """Whether an operator writes to an argument."""
    return any(is_written for _, _, is_written in _parameters(func))


def is_free(func: Any, op: str) -> bool:
    """Whether an operator computes and moves nothing."""
    return op in FREE or is_view(func)


@lru_cache(maxsize=4096)
def is_view(func: Any) -> bool:
    """Whether an operator only looks at its input another way."""
    if not hasattr(func, "_schema"):
        return False
    if torch.Tag.inplace_view in func.tags:
        return True
    infos = [returned.alias_info for returned in func._schema.returns]
    return any(info is not None and not info.is_write for info in infos)


@lru_cache(maxsize=4096)
def is_composite(func: Any) -> bool:
    """Whether PyTorch defines an operator by other operators, for every device."""
    if not hasattr(func, "_schema"):
        return False
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"))


def is_pointwise(func: Any) -> bool:
    """Whether PyTorch calls an operator pointwise."""
    return torch.Tag.pointwise in getattr(func, "tags", ())


def is_random(func: Any) -> bool:
    """Whether an operator draws random numbers."""
    return torch.Tag.nondeterministic_seeded in getattr(func, "tags", ())


def is_real(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds data."""
    return not isinstance(tensor, FakeTensor) and not tensor.is_meta


def touches_floats(tensor: torch.Tensor) -> bool:
    """Whether a tensor holds numbers with a fraction (floating, complex, quantized)."""
    return tensor.is_floating_point() or tensor.is_complex() or tensor.is_quantized


def is_per_channel(tensor: torch.Tensor) -> bool:
    """Whether a tensor varies along one axis at most, as a bias or a scale does."""
    return sum(size > 1 for size in tensor.shape) <= 1
