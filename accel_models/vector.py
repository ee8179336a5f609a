"""Vector operations on the PE-array hierarchy: one operation per lane and cycle.

Words come from the PE memories and stay there if activations may stay on chip and inputs and outputs fit,
else from and to DRAM; what a gather looks up always comes from DRAM. A fused operation rides along where a
layer's outputs leave the lanes: it costs energy, no time and no traffic of its own.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from accel_models.mapspace.designs import Designs
from accel_models.workload import VectorOp


@dataclass(frozen=True, slots=True)
class VectorPrice:
    """Price of one execution on n designs, [n] each: latency, its bounds in cycles, energy and bytes."""

    latency_s: Tensor
    compute_cycles: Tensor
    dram_cycles: Tensor
    pe_cycles: Tensor
    dram_j: Tensor
    pe_j: Tensor
    op_j: Tensor
    leakage_j: Tensor
    dram_bytes: Tensor
    pe_bytes: Tensor


def price_vector_op(
    op: VectorOp, designs: Designs, op_energy_j: Tensor, *, keep_activations: bool
) -> VectorPrice:
    """Price a vector operation on n designs; `op_energy_j` [n] is the energy of one scalar operation."""
    moved = 0.0 if op.fused else 1.0
    read = moved * op.input_words * designs.activation_bytes
    written = moved * op.output_words * designs.activation_bytes
    pes = designs.pe_x * designs.pe_y
    stays = (read + written <= pes * designs.pe_bytes) & keep_activations
    loaded = read if op.kind == "gather" else torch.where(stays, 0.0, read)
    stored = torch.where(stays, 0.0, written)
    compute = op.ops / (pes * designs.cores * designs.lanes)
    dram = (loaded + stored) / torch.minimum(designs.dram_bandwidth, designs.activation_bandwidth)
    through_pes = 2.0 * (read + written) / (pes * designs.pe_bandwidth)
    starts = torch.where(loaded + stored > 0, designs.dram_latency_cycles, 0.0)
    slowest = torch.maximum(torch.maximum(compute, dram), through_pes)
    latency_s = moved * (starts + slowest) / designs.clock_hz
    return VectorPrice(
        latency_s=latency_s,
        compute_cycles=compute,
        dram_cycles=dram,
        pe_cycles=through_pes,
        dram_j=loaded * designs.dram_read_j + stored * designs.dram_write_j,
        pe_j=(read + written) * (designs.pe_read_j + designs.pe_write_j),
        op_j=op.ops * op_energy_j,
        leakage_j=latency_s * designs.leakage_w,
        dram_bytes=loaded + stored,
        pe_bytes=2.0 * (read + written),
    )
