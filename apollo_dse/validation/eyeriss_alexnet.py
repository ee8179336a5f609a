"""The Eyeriss chip on the convolutions of AlexNet: latency, PEs at work, power, traffic, layer by layer.

Chen, Krishna, Emer, Sze, "Eyeriss: An energy-efficient reconfigurable accelerator for deep convolutional neural
networks", IEEE Journal of Solid-State Circuits 52(1), 2017: Table V (batch 4, 1.0 V, 200 MHz), and the mapping
parameters of Table III. What is compared is the price of these mappings by
`accel_models.dataflows.row_stationary` on the preset "eyeriss-v1" in the chip's 65 nm; its processing latency
leaves out what DRAM takes, as the chip's does.

Latency, PEs and words follow from the hardware and the mapping; nothing is fitted there. Power is that of
switched capacitance in 65 nm by the laws of `accel_models.technology`, less what PEs save that read a zero,
plus one fitted constant: what switches in every cycle.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import torch

from accel_models.dataflows.row_stationary.candidates import Candidates, one
from accel_models.dataflows.row_stationary.designs import LEVELS, Designs, stack
from accel_models.dataflows.row_stationary.price import energies, timing
from accel_models.dataflows.row_stationary.search import search
from accel_models.pricing import Residency
from accel_models.templates.eyeriss import CLOCKED_BITS, PRESETS, WORD_BYTES, build_eyeriss
from accel_models.workload import Layer
from apollo_dse.tables import read_csv
from apollo_dse.validation.comparison import Case, Comparison, Target
from search_spaces.quantity import nearest_name

REFERENCE = "Eyeriss chip, AlexNet"
FILE = "eyeriss_alexnet_b4.csv"

SOURCE = (
    "Chen et al., IEEE JSSC 52(1), 2017, Table V; as transcribed in NPUsim (github.com/yonseicasl/NPUsim at "
    "2a371fd, validation/phase3) and nn_dataflow (github.com/stanford-mast/nn_dataflow, test_eyeriss_isscc16)"
)
PEERS = "processing latency: MAESTRO 3.9 % mean, NPUsim 4.3 % mean and 6.4 % at most with one fitted constant"
MIB = 2.0**20
BATCH = 4
CHIP = {**PRESETS["eyeriss-v1"], "technology": "65nm"}

RUN_BITS = 64 / 3
"""Of a word that is not zero, compressed: three pairs of a run of zeros and a value in 64 bits (JSSC 2017)."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """A layer of the network, and the parameters e, n, q, r and p times t that Table III gives for it."""

    layer: Layer
    strip: int
    images: int
    channels: int
    channel_sets: int
    filters: int

    @property
    def mapping(self) -> Candidates:
        """The published mapping."""
        return one(
            self.layer,
            strip=self.strip,
            images=self.images,
            channels=self.channels,
            channel_sets=self.channel_sets,
            filters=self.filters,
        )


def _conv(name: str, g: int, k: int, c: int, size: int, taps: int, stride: int = 1) -> Layer:
    return Layer(name=name, n=BATCH, g=g, k=k, c=c, p=size, q=size, r=taps, s=taps, stride=(stride, stride))


CONVOLUTIONS = {
    each.layer.name: each
    for each in (
        Convolution(_conv("CONV1", 1, 96, 3, 55, 11, 4), 7, 1, 1, 1, 16 * 2),
        Convolution(_conv("CONV2", 2, 128, 48, 27, 5), 27, 1, 2, 1, 16 * 1),
        Convolution(_conv("CONV3", 1, 384, 256, 13, 3), 13, 4, 4, 1, 16 * 4),
        Convolution(_conv("CONV4", 2, 192, 192, 13, 3), 13, 4, 3, 2, 16 * 2),
        Convolution(_conv("CONV5", 2, 128, 192, 13, 3), 13, 4, 3, 2, 16 * 2),
    )
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A row of Table V; `zeros` is the share of input words that are zero."""

    name: str
    power_w: float
    processing_s: float
    busy_pes: float
    zeros: float
    buffer_bytes: float
    dram_bytes: float


TABLE_V = (
    Measured("CONV1", 0.332, 16.5e-3, 154, 0.0001, 18.5 * MIB, 5.0 * MIB),
    Measured("CONV2", 0.288, 39.2e-3, 135, 0.387, 77.6 * MIB, 4.0 * MIB),
    Measured("CONV3", 0.266, 21.8e-3, 156, 0.725, 50.2 * MIB, 3.0 * MIB),
    Measured("CONV4", 0.235, 16.0e-3, 156, 0.793, 37.4 * MIB, 2.1 * MIB),
    Measured("CONV5", 0.236, 10.0e-3, 156, 0.776, 24.9 * MIB, 1.3 * MIB),
)


@dataclass(frozen=True, slots=True)
class Priced:
    """A layer by our model; `switched_w` is power without what switches in every cycle."""

    processing_s: float
    busy_pes: float
    buffer_bytes: float
    dram_bytes: tuple[float, float, float]
    switched_w: float


def compare(data: Path | None) -> list[Comparison]:
    """Latency, PEs, power and traffic; from the file if the folder has it.

    Raises:
        ValueError: the file is not the table that it should be.
    """
    path = None if data is None else data / FILE
    rows = TABLE_V if path is None or not path.exists() else read(path)
    designs = chip()
    found = [published(row.name, row.zeros, designs) for row in rows]
    return [*_times(rows, found, designs), *_powers(rows, found, designs), *_traffic(rows, found)]


def read(path: Path) -> tuple[Measured, ...]:
    """The rows of the table.

    Raises:
        ValueError: it is another table, or a layer is not one of AlexNet's convolutions.
    """
    rows = list(read_csv(path)[1])
    try:
        found = tuple(
            Measured(
                name=row["layer"],
                power_w=float(row["power_mW"]) / 1e3,
                processing_s=float(row["processing_ms"]) / 1e3,
                busy_pes=float(row["active_PEs"]),
                zeros=float(row["zeros_ifmap_pct"]) / 100,
                buffer_bytes=float(row["glb_MB"]) * MIB,
                dram_bytes=float(row["dram_MB"]) * MIB,
            )
            for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} must be the table of AlexNet's layers on the chip: {error}") from error
    other = [row.name for row in found if row.name not in CONVOLUTIONS]
    if other or not found:
        known = tuple(CONVOLUTIONS)
        hint = nearest_name(other[0], known) if other else ""
        raise ValueError(f"layers of {path.name} must be some of {known}, but are {other}{hint}")
    return found


def chip() -> Designs:
    """The chip as a batch of one."""
    return stack([build_eyeriss(CHIP)])


def price(layer: Layer, tried: Candidates, zeros: float, designs: Designs) -> Priced:
    """A layer with one mapping on the chip; `zeros` is the share of input words that are zero."""
    columns = designs.part(0, 1)
    timed = timing(layer, tried, columns)
    moved, spent = energies(timed, zero_inputs=zeros)
    processing_s = float(timed.array_cycles / columns.clock_hz)
    switched_j = float(reduce(torch.add, spent[1:-1]))
    return Priced(
        processing_s=processing_s,
        busy_pes=float(timed.placement.busy_pes(tried)),
        buffer_bytes=float(moved[LEVELS.index("global_buffer")]),
        dram_bytes=tuple(WORD_BYTES * float(each) for each in timed.dram_words),  # type: ignore[arg-type]
        switched_w=switched_j / processing_s,
    )


def published(name: str, zeros: float, designs: Designs) -> Priced:
    """A layer of AlexNet with the mapping of Table III."""
    convolution = CONVOLUTIONS[name]
    return price(convolution.layer, convolution.mapping, zeros, designs)


def searched(name: str, zeros: float, designs: Designs) -> Priced:
    """A layer of AlexNet with the mapping of least latency that our search finds."""
    layer = CONVOLUTIONS[name].layer
    return price(layer, search(layer, designs, Residency(), "latency"), zeros, designs)


def fit(rows: Sequence[Measured], found: Sequence[Priced], bit_w: float) -> float:
    """Bits a PE that switch in every cycle, by least squares of relative errors; each takes `bit_w` in all."""
    slopes = [bit_w / row.power_w for row in rows]
    rests = [1.0 - each.switched_w / row.power_w for row, each in zip(rows, found, strict=True)]
    return sum(a * b for a, b in zip(slopes, rests, strict=True)) / sum(a * a for a in slopes)


def _times(rows: Sequence[Measured], found: Sequence[Priced], designs: Designs) -> list[Comparison]:
    ours = [searched(row.name, row.zeros, designs) for row in rows]
    notes = (
        "CONV4 and CONV5 have the same mapping and work as 3 to 2, but took 16.0 and 10.0 ms; no model in "
        "which equal passes take equal time comes nearer than 3.2 % to both"
    )
    return [
        _comparison(
            "processing latency, published mapping",
            "ms",
            _cases(rows, lambda row: 1e3 * row.processing_s, [1e3 * each.processing_s for each in found]),
            targets=(Target("mape", at_most=0.04),),
            peers=PEERS,
            notes=notes,
        ),
        _comparison(
            "processing latency, our mapping",
            "ms",
            _cases(rows, lambda row: 1e3 * row.processing_s, [1e3 * each.processing_s for each in ours]),
            notes="of least latency; the chip's mappings are chosen for energy with DRAM",
        ),
        _comparison(
            "PEs at work, published mapping",
            "1",
            _cases(rows, lambda row: row.busy_pes, [each.busy_pes for each in found]),
            targets=(Target("equal", at_least=1.0),),
        ),
    ]


def _powers(rows: Sequence[Measured], found: Sequence[Priced], designs: Designs) -> list[Comparison]:
    standing_w = float(designs.standing_w)
    bit_w = standing_w / CLOCKED_BITS
    left_out = []
    for i in range(len(rows)):
        others = [j for j in range(len(rows)) if j != i] or [i]
        bits = fit([rows[j] for j in others], [found[j] for j in others], bit_w)
        left_out.append(1e3 * (found[i].switched_w + bits * bit_w))
    source_notes = "power while processing, without DRAM; shares of zeros are recalled, not checked"
    return [
        _comparison(
            "power, published mapping",
            "mW",
            _cases(
                rows, lambda row: 1e3 * row.power_w, [1e3 * (each.switched_w + standing_w) for each in found]
            ),
            targets=(Target("max_error", at_most=0.10),),
            peers="nn_dataflow accepts 0.6 to 1 times the power",
            fitted=(f"clocked_bits = {CLOCKED_BITS:g} (flip-flops a PE that switch in every cycle)",),
            notes=source_notes,
        ),
        _comparison(
            "power, constant fitted to the other layers",
            "mW",
            _cases(rows, lambda row: 1e3 * row.power_w, left_out),
            targets=(Target("max_error", at_most=0.10),),
            fitted=("clocked_bits, for each layer from the others",),
            notes=source_notes,
        ),
    ]


def _traffic(rows: Sequence[Measured], found: Sequence[Priced]) -> list[Comparison]:
    following = {row.name: after.zeros for row, after in zip(rows, (*rows[1:], rows[-1]), strict=True)}
    compressed = []
    for row, each in zip(rows, found, strict=True):
        weights, inputs, outputs = each.dram_bytes
        shares = _compression(row.zeros), _compression(following[row.name])
        compressed.append((weights + inputs * shares[0] + outputs * shares[1]) / MIB)
    return [
        _comparison(
            "global buffer traffic, published mapping",
            "MiB",
            _cases(rows, lambda row: row.buffer_bytes / MIB, [each.buffer_bytes / MIB for each in found]),
            notes=(
                "what was measured on CONV3 is not Table III's mapping: with that of CONV4 (q 3, r 2, t 2) "
                "ours is 50.5 MiB"
            ),
        ),
        _comparison(
            "DRAM traffic, published mapping",
            "MiB",
            _cases(rows, lambda row: row.dram_bytes / MIB, compressed),
            notes=(
                "inputs and outputs as if run-length compressed, outputs with the zeros of the next layer's "
                "inputs; weights are not compressed"
            ),
        ),
    ]


def _compression(zeros: float) -> float:
    """Bits of compressed words over those of plain ones; at most 1."""
    return min(1.0, (1.0 - zeros) * RUN_BITS / (8 * WORD_BYTES))


def _cases(
    rows: Sequence[Measured], measured: Callable[[Measured], float], ours: Sequence[float]
) -> tuple[Case, ...]:
    return tuple(Case(row.name, measured(row), value) for row, value in zip(rows, ours, strict=True))


def _comparison(
    metric: str,
    unit: str,
    cases: tuple[Case, ...],
    *,
    targets: tuple[Target, ...] = (),
    peers: str = "",
    fitted: tuple[str, ...] = (),
    notes: str = "",
) -> Comparison:
    return Comparison(
        reference=REFERENCE,
        metric=metric,
        unit=unit,
        cases=cases,
        source=SOURCE,
        targets=targets,
        peers=peers,
        fitted=fitted,
        notes=notes,
    )
