"""Vector operations on the PE-array hierarchy: one operation per lane and cycle, words from and to DRAM.

A fused operation rides along where a layer's outputs leave the lanes: it costs energy, no time and no
traffic of its own.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from accel_models.mapspace.designs import Designs
from accel_models.workload import VectorOp


@dataclass(frozen=True, slots=True)
class VectorPrice:
    """Price of one execution on n designs, [n] each: latency, its two bounds in cycles, energy and bytes."""

    latency_s: Tensor
    compute_cycles: Tensor
    dram_cycles: Tensor
    dram_j: Tensor
    pe_j: Tensor
    op_j: Tensor
    leakage_j: Tensor
    dram_bytes: Tensor
    pe_bytes: Tensor


def price_vector_op(op: VectorOp, designs: Designs, op_energy_j: Tensor) -> VectorPrice:
    """Price a vector operation on n designs; `op_energy_j` [n] is the energy of one scalar operation."""
    moved = 0.0 if op.fused else 1.0
    read_bytes = moved * op.input_words * designs.activation_bytes
    write_bytes = moved * op.output_words * designs.activation_bytes
    lanes = designs.pe_x * designs.pe_y * designs.cores * designs.lanes
    compute = op.ops / lanes
    bandwidth = torch.minimum(designs.dram_bandwidth, designs.activation_bandwidth)
    dram = (read_bytes + write_bytes) / bandwidth
    latency_s = moved * (designs.dram_latency_cycles + torch.maximum(compute, dram)) / designs.clock_hz
    return VectorPrice(
        latency_s=latency_s,
        compute_cycles=compute,
        dram_cycles=dram,
        dram_j=read_bytes * designs.dram_read_j + write_bytes * designs.dram_write_j,
        pe_j=(read_bytes + write_bytes) * (designs.pe_read_j + designs.pe_write_j),
        op_j=op.ops * op_energy_j,
        leakage_j=latency_s * designs.leakage_w,
        dram_bytes=read_bytes + write_bytes,
        pe_bytes=2.0 * (read_bytes + write_bytes),
    )
