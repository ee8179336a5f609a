"""What the hierarchy's batched prices count, against the exact counts of the very mappings described."""

from dataclasses import replace
from functools import cached_property

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accel_models import OPERANDS, Accelerator, BufferLevel, Layer
from accel_models.analysis.capacity import held_bytes
from accel_models.analysis.energy import energies_j
from accel_models.analysis.latency import latency
from accel_models.analysis.traffic import Counts, Traffic, counts
from accel_models.dataflows.hierarchy.choices import Choices
from accel_models.dataflows.hierarchy.designs import stack
from accel_models.dataflows.hierarchy.price import price, volumes
from accel_models.dataflows.hierarchy.record import mapping_record
from accel_models.dataflows.hierarchy.structure import structure
from accel_models.dataflows.hierarchy.words import demands
from tests.accel_models.hierarchies import accelerators, axis, chain, divides, idles, layers

indices = st.lists(st.integers(0, 10**6), min_size=64, max_size=64)
even_layers, even_sizes = layers(bounds=(1, 1, 2, 4, 8), taps=False), accelerators(sizes=(2, 4))
FEW, MANY = 50, 500
windowed = layers(bounds=(1, 2, 4, 8))


def drawn(examples: int, *strategies):
    """The check as a test of so many examples, always the same."""
    return lambda check: settings(max_examples=examples, deadline=None, derandomize=True)(
        given(*strategies)(check)
    )


class Case:
    """One candidate on one design: demanded, priced, and counted exactly."""

    def __init__(self, layer: Layer, design: Accelerator, index: list[int]) -> None:
        self.layer, self.design, self.structure = layer, design, structure(design)
        choices = Choices.of(self.structure, layer, every=True)
        chosen = [i % size for i, size in zip(index, choices.sizes, strict=False)]
        candidate = torch.tensor(chosen)
        self.mapping = mapping_record(choices, candidate, design)
        designs = stack(self.structure, [design]).rows(0, 1)
        self.demand = demands(layer, self.structure, designs, choices.candidates(candidate[None]))
        moved = volumes(self.structure, designs, self.demand)
        self.price = price(layer, self.structure, designs, self.demand, moved)
        self.held = moved.held

    @cached_property
    def exact(self) -> Counts:
        return counts(self.layer, self.mapping, self.design.levels)


def words(traffic: Traffic) -> tuple[int, int]:
    """Words read and words written."""
    return traffic.reads + traffic.drains, traffic.fills + traffic.updates


def check_exact(layer: Layer, design: Accelerator, index: list[int]) -> None:
    """The first tiles differ where operands bypass the outermost level on chip: there no one waits for all."""
    case = Case(layer, design, index)
    assume(divides(layer, case.mapping))
    exact, demand = case.exact, case.demand
    assert float(demand.compute_cycles) == exact.cycles
    for level, kept in enumerate(case.structure.keeps):
        for operand in kept:
            found = float(demand.read[level][operand]), float(demand.written[level][operand])
            assert found == words(exact.traffic[level][operand]), (level, operand)
    held = held_bytes(layer, case.mapping, design.levels, exact, design.word_format)
    for level, each in enumerate(case.held):
        assert {operand: float(size) for operand, size in each.items()} == {
            operand: size for operand, size in held[level].items() if operand in each
        }
    names = (*case.structure.levels, "mac")
    priced = dict(zip(names, (float(part) for part in case.price.energies_j), strict=False))
    assert priced == pytest.approx(energies_j(layer, exact, design), rel=1e-12)
    timed = latency(layer, exact, design.levels, design.word_format)
    cycles = float(case.price.latency_s) * design.clock_hz
    assert [float(each) for each in case.price.cycles[2:]] == pytest.approx(timed.level_cycles[1:], rel=1e-12)
    if all(case.structure.first_on_chip(operand) == 1 for operand in ("weights", "inputs")):
        assert cycles == pytest.approx(timed.cycles, rel=1e-12)
    else:
        assert cycles <= timed.cycles * (1 + 1e-12)


test_words_cycles_bytes_and_energies_are_exact_where_tiles_divide = drawn(
    FEW, even_layers, even_sizes, indices
)(check_exact)
test_words_cycles_bytes_and_energies_are_exact_where_tiles_divide_often = pytest.mark.slow(
    drawn(MANY, even_layers, even_sizes, indices)(check_exact)
)


def compared(case: Case) -> list[tuple[float, int]]:
    """(found, exact) words read and written, wherever no child idles between two of its chunks."""
    exact, pairs = case.exact, []
    for operand in ("weights", "inputs", "outputs"):
        keepers = case.structure.keepers(operand)
        for level, child in zip(keepers, (*keepers[1:], len(case.structure.levels)), strict=True):
            if not idles(case.layer, case.mapping, child):
                reads, writes = words(exact.traffic[level][operand])
                pairs.append((float(case.demand.read[level][operand]), reads))
                pairs.append((float(case.demand.written[level][operand]), writes))
    return pairs


def check_bounds(layer: Layer, design: Accelerator, index: list[int]) -> None:
    case = Case(layer, design, index)
    assert float(case.demand.compute_cycles) == case.exact.cycles
    for found, exact in compared(case):
        assert found >= exact * (1 - 1e-12)
    if not any(idles(layer, case.mapping, level + 1) for level in range(len(design.levels))):
        exact = latency(layer, case.exact, design.levels, design.word_format).level_cycles[1:]
        for found, cycles in zip(case.price.cycles[2:], exact, strict=True):
            assert float(found) >= cycles * (1 - 1e-12)


test_words_and_cycles_are_never_below_the_exact_ones = drawn(FEW, layers(), accelerators(), indices)(
    check_bounds
)
test_words_and_cycles_are_never_below_the_exact_ones_often = pytest.mark.slow(
    drawn(MANY, layers(), accelerators(), indices)(check_bounds)
)


def check_windows(layer: Layer, design: Accelerator, index: list[int]) -> None:
    """Not always equal: coincidences are not claimed; never more than every window by itself."""
    case = Case(layer, design, index)
    assume(divides(layer, case.mapping))
    alone = replace(layer, stride=(layer.r * layer.dilation[0] + 1, layer.s * layer.dilation[1] + 1))
    apart = Case(alone, design, index)
    for found, exact in compared(case):
        assert found >= exact * (1 - 1e-12)
    for level in case.structure.keepers("inputs"):
        assert float(case.demand.read[level]["inputs"]) <= float(apart.demand.read[level]["inputs"])


test_overlapping_windows_are_counted_once_where_tiles_divide = drawn(FEW, windowed, even_sizes, indices)(
    check_windows
)
test_overlapping_windows_are_counted_once_where_tiles_divide_often = pytest.mark.slow(
    drawn(MANY, windowed, even_sizes, indices)(check_windows)
)


def test_windows_that_slide_bring_in_their_new_rows_alone() -> None:
    """p in 4 x 2 of 8 rows under 3 taps: 10 rows once, be it in 4 steps."""
    found = sliding_case("p", 2)
    assert float(found.demand.read[0]["inputs"]) == found.exact.traffic[0]["inputs"].reads == 10


def test_taps_that_slide_bring_in_their_new_rows_alone() -> None:
    found = sliding_case("r", 1)
    assert float(found.demand.read[0]["inputs"]) == found.exact.traffic[0]["inputs"].reads == 10


def sliding_case(dim: str, chunk: int) -> Case:
    design = chain(BufferLevel(name="dram", keeps=OPERANDS), BufferLevel(name="buffer", keeps=OPERANDS))
    layer = Layer(name="rows", p=8, r=3)
    choices = Choices.of(structure(design), layer, every=True)
    index = [0] * len(choices.sizes)
    for number, (name, options) in enumerate(zip(choices.names, choices.options, strict=True)):
        if name.dim == dim:
            index[number] = options.tolist().index(chunk)
    return Case(layer, design, index)


@pytest.mark.parametrize(("dim", "operand"), [("k", "weights"), ("p", "inputs"), ("k", "outputs")])
def test_the_busiest_instance_moves_full_chunks(dim: str, operand: str) -> None:
    """5 over 4 instances: three work, of which the busiest brings in 2 words and hands them on, not 5 / 3."""
    design = chain(
        BufferLevel(name="dram", keeps=OPERANDS, axes=(axis("pe", 4, dim),)),
        BufferLevel(name="buffer", keeps=OPERANDS, bandwidth_bytes_per_cycle=1.0),
    )
    case = Case(Layer(name="uneven", **{dim: 5}), design, [0] * 64)
    assert float(case.demand.busiest[1][operand]) == 2 + 2
    assert float(case.demand.compute_cycles) == 2
