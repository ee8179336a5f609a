"""Vector operations: so many a cycle, on words in the on-chip memory of activations.

Words stay in that memory if activations may stay on chip and inputs and outputs fit, else they come from and go
to DRAM; what a gather looks up always comes from DRAM. A fused operation rides along where a layer's outputs
leave the array: it costs energy, no time and no traffic of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from accel_models.pricing import StepPrices
from accel_models.workload import VectorOp


@dataclass(frozen=True, slots=True)
class VectorUnit:
    """What computes vector operations on n designs: float64 tensors [n].

    `memory_*` is the memory of activations, all instances together; bandwidths are bytes per cycle.
    """

    ops_per_cycle: Tensor
    op_j: Tensor
    memory_bytes: Tensor
    memory_bandwidth: Tensor
    memory_read_j: Tensor
    memory_write_j: Tensor
    dram_bandwidth: Tensor
    dram_latency_cycles: Tensor
    dram_read_j: Tensor
    dram_write_j: Tensor
    activation_bytes: Tensor
    clock_hz: Tensor
    leakage_w: Tensor


@dataclass(frozen=True, slots=True)
class Places:
    """Where the numbers of a vector operation go among those of a dataflow.

    `levels` and `limits` are how many there are; `memory` is the level that activations stay in, None where
    they never stay; `bounds` index "compute", DRAM and memory bandwidth.
    """

    levels: int
    limits: int
    memory: int | None
    bounds: tuple[int, int, int]


def price_vector_ops(
    ops: Sequence[VectorOp], unit: VectorUnit, places: Places, *, keep_activations: bool
) -> StepPrices:
    """Prices of o vector operations on n designs: as of one step, each with a first axis more, [o, ..]."""
    numbers = [
        (op.ops, op.input_words, op.output_words, 0.0 if op.fused else 1.0, op.kind == "gather") for op in ops
    ]
    table = torch.tensor(numbers, dtype=torch.float64, device=unit.clock_hz.device).reshape(len(ops), 5)
    count, input_words, output_words, moved, gathers = (column[:, None] for column in table.unbind(dim=1))
    read = moved * input_words * unit.activation_bytes
    written = moved * output_words * unit.activation_bytes
    stays = (read + written <= unit.memory_bytes) & keep_activations & (places.memory is not None)
    loaded = torch.where(stays & (gathers == 0), 0.0, read)
    stored = torch.where(stays, 0.0, written)
    compute, dram = count / unit.ops_per_cycle, (loaded + stored) / unit.dram_bandwidth
    memory = 2.0 * (read + written) / unit.memory_bandwidth
    starts = torch.where(loaded + stored > 0, unit.dram_latency_cycles, 0.0)
    cycles = torch.stack((compute, dram, memory))
    latency_s = moved * (starts + cycles.amax(dim=0)) / unit.clock_hz
    none = torch.zeros_like(latency_s)
    energies, words = [none] * (places.levels + 2), [none] * places.levels
    if places.memory is not None:
        energies[places.memory] = (read + written) * (unit.memory_read_j + unit.memory_write_j)
        words[places.memory] = 2.0 * (read + written)
    energies[0], words[0] = loaded * unit.dram_read_j + stored * unit.dram_write_j, loaded + stored
    energies[-2:] = count * unit.op_j, latency_s * unit.leakage_w
    return StepPrices(
        latency_s=latency_s,
        energies_j=torch.stack(energies, dim=-1),
        bytes=torch.stack(words, dim=-1),
        compute_s=compute / unit.clock_hz,
        bound=torch.tensor(places.bounds, device=none.device)[cycles.argmax(dim=0)],
        excess=none[..., None].expand(*none.shape, places.limits),
        parameter_share=none,
    )
