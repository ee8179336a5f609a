"""Convolutions as loop bounds.

*Ordinary*: n = batch, g = groups, c and k per group, (p, r, stride, dilation) the rows and (q, s, ...) the
columns. In one dimension the axis is (p, r). In three, the axis with the fewest taps is folded: its outputs
into `n` and its taps into `c`. Multiply-accumulates, weights and outputs stay exact; inputs are exact if
that axis has one tap, else they are counted once per output slice (up to taps / stride times).

*Transposed*: every input position meets every tap, so a layer of `p` = input rows and `r` = taps has exactly
the multiply-accumulates. With stride s the outputs fall into s phases, each an ordinary convolution of
stride 1 with every s-th tap (sub-pixel convolution). Phases with equally many taps share one layer, whose
`k` is their number times the output channels: weights and outputs are then counted exactly once and the
inputs once per layer. A 4x4 kernel of stride 2 makes one layer, a 3x3 kernel of stride 2 makes four
({2, 1} x {2, 1} taps). Cropped borders (padding) count as computed, as padding does elsewhere.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import gcd

from accel_models.trace.registry import Call, Record, register_all
from accel_models.workload import Layer


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis: positions to compute, taps of the kernel, stride and dilation."""

    positions: int
    taps: int
    stride: int
    dilation: int


ABSENT = Axis(1, 1, 1, 1)


def convolution(call: Call) -> list[Record]:
    """Rule of `aten::convolution` in one to three dimensions, any groups, stride and dilation."""
    inputs, weight, transposed = call["input"], call["weight"], call["transposed"]
    if call.output.numel() == 0:
        return []
    extents = (inputs if transposed else call.output).shape[2:]
    rank = len(extents)
    axes = [
        Axis(*axis)
        for axis in zip(
            extents,
            weight.shape[2:],
            _per_axis(call["stride"], rank),
            _per_axis(call["dilation"], rank),
            strict=True,
        )
    ]
    n, g = inputs.shape[0], call["groups"]
    if transposed:
        layers = _transposed(n=n, g=g, k=weight.shape[1], c=weight.shape[0] // g, axes=axes)
    else:
        layers = [_ordinary(n=n, g=g, k=weight.shape[0] // g, c=weight.shape[1], axes=axes)]
    computed = call.is_activation(weight)
    return [replace(layer, weights_are_activations=computed) for layer in layers]


def _per_axis(values: Sequence[int], rank: int) -> list[int]:
    return list(values) * rank if len(values) == 1 else list(values)


def _split(axes: list[Axis]) -> tuple[Axis, Axis, Axis]:
    """Rows, columns, and the axis to fold: of three, the one with the fewest taps."""
    if len(axes) < 3:
        rows, columns = [*axes, ABSENT, ABSENT][:2]
        return rows, columns, ABSENT
    folded = min(range(3), key=lambda i: axes[i].taps)
    rows, columns = (axis for i, axis in enumerate(axes) if i != folded)
    return rows, columns, axes[folded]


def _ordinary(*, n: int, g: int, k: int, c: int, axes: list[Axis]) -> Layer:
    rows, columns, folded = _split(axes)
    return Layer(
        name="",
        kind="conv",
        n=n * folded.positions,
        g=g,
        k=k,
        c=c * folded.taps,
        p=rows.positions,
        q=columns.positions,
        r=rows.taps,
        s=columns.taps,
        stride=(rows.stride, columns.stride),
        dilation=(rows.dilation, columns.dilation),
    )


def _transposed(*, n: int, g: int, k: int, c: int, axes: list[Axis]) -> list[Layer]:
    """One layer per pair of tap counts; a folded axis scatters, so its taps multiply `k`."""
    rows, columns, folded = _split(axes)
    layers = []
    for (r, row_phases), (s, column_phases) in product(_phases(rows), _phases(columns)):
        layers.append(
            Layer(
                name="",
                kind="conv_transpose",
                n=n * folded.positions,
                g=g,
                k=k * row_phases * column_phases * folded.taps,
                c=c,
                p=rows.positions,
                q=columns.positions,
                r=r,
                s=s,
                dilation=(_phase_dilation(rows), _phase_dilation(columns)),
            )
        )
    return layers


def _phases(axis: Axis) -> list[tuple[int, int]]:
    """(taps, number of phases with that many taps): tap i writes to phase i*dilation mod stride."""
    num_phases = axis.stride // gcd(axis.stride, axis.dilation)
    used = min(num_phases, axis.taps)
    return list(Counter(-(-(axis.taps - i) // num_phases) for i in range(used)).items())


def _phase_dilation(axis: Axis) -> int:
    """Input rows between neighbouring taps of one phase."""
    return axis.dilation // gcd(axis.stride, axis.dilation)


register_all("convolution _convolution", convolution)
