"""Tallies and prices of the mapspace against the exact counts of the very mappings that they describe."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from accel_models import Accelerator, Layer, Mapping, WordFormat, zoo
from accel_models.analysis.energy import energies_j
from accel_models.analysis.latency import Latency, latency
from accel_models.analysis.traffic import Counts, counts
from accel_models.chain import STATES
from accel_models.dataflows.pe_array import PRICER
from accel_models.mapspace import kernel
from accel_models.mapspace.choices import offchip_words
from accel_models.mapspace.designs import LEVELS, offers, stack
from accel_models.mapspace.front import Array, Index, mapspace
from accel_models.mapspace.price import BOUNDS, best, costs
from accel_models.mapspace.selection import least_held
from accel_models.mapspace.structure import kind
from accel_models.pricing import Residency
from accel_models.templates.edge import PRESETS, build_edge
from accel_models.workload import canonical
from tests.accel_models.pe_arrays import Case, accelerator

bounds = st.integers(1, 6)
layers = st.builds(
    Layer,
    name=st.just("drawn"),
    n=st.integers(1, 2), g=st.integers(1, 3), k=bounds, c=bounds, p=bounds, q=st.integers(1, 4),
    r=st.integers(1, 3), s=st.integers(1, 3),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
).filter(lambda layer: layer.macs <= 3000)  # fmt: skip
choices = st.lists(st.integers(0, 10**6), min_size=len(kernel.CHOICES), max_size=len(kernel.CHOICES))
designs_drawn = st.builds(
    accelerator,
    pe_x=st.integers(1, 4),
    pe_y=st.integers(1, 3),
    cores=st.integers(1, 4),
    lanes=st.integers(1, 6),
)


def counted(case: Case) -> Counts:
    return counts(case.layer, case.mapping, case.design.levels)


def exact_latency(case: Case) -> Latency:
    return latency(case.layer, counted(case), case.design.levels, case.design.word_format)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(layers, choices, designs_drawn)
def test_tallies_the_mapping_that_it_describes(layer: Layer, drawn: list[int], design: Accelerator) -> None:
    case = Case.of(layer, drawn, design)
    exact, found = counted(case), case.tallies
    outputs = exact.traffic[0]["outputs"]
    assert found["compute_cycles"] == exact.cycles
    assert found["weight_bytes"] == exact.traffic[0]["weights"].reads
    accumulator = design.word_format.accumulator_bits / 8
    assert found["partial_bytes"] == (outputs.updates - exact.finals[0]) * accumulator
    assert found["partial_bytes"] >= outputs.reads * accumulator
    # Inputs: the mapspace claims no reuse that is not there; coincidences of wrapping windows it leaves out.
    assert found["input_bytes"] >= exact.traffic[0]["inputs"].reads
    assert exact.macs == layer.macs


@settings(max_examples=150, deadline=None, derandomize=True)
@given(layers, choices, designs_drawn, st.sampled_from([1, 2, 5, 20, 100, 1000]))
def test_promises_no_lower_latency_than_any_level_takes(
    layer: Layer, drawn: list[int], design: Accelerator, bandwidth: int
) -> None:
    """All transfers overlap; the exact latency also waits for the first tiles."""
    dram = replace(design.levels[0], bandwidth_bytes_per_cycle=float(bandwidth))
    case = Case.of(layer, drawn, replace(design, levels=(dram, *design.levels[1:])))
    exact = exact_latency(case)
    cycles = float(case.prices().latency_s[0]) * design.clock_hz
    assert cycles >= max(exact.compute_cycles, *exact.level_cycles) * (1 - 1e-12)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (Layer(name="compute", k=64, c=64, p=28, q=28, r=3, s=3), "compute"),
        (Layer(name="dram", k=1000, c=1000), "dram bandwidth"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_is_bound_by_what_the_exact_latency_is_bound_by(layer: Layer, name: str) -> None:
    """Where core memories can fill and feed at once; else they and the units take almost the same time."""
    dram, pe, core, registers = accelerator(4, 4, 1, 16).levels
    core = replace(core, bandwidth_bytes_per_cycle=1e6)
    design = replace(accelerator(4, 4, 1, 16), levels=(dram, pe, core, registers))
    found = PRICER.layer(layer, Residency(), stack([design]), "latency")
    assert BOUNDS[int(found.bound[0])] == name
    mapping = PRICER.mapping(layer, Residency(), design, "latency")
    exact = latency(layer, counts(layer, mapping, design.levels), design.levels, design.word_format)
    assert exact.bound_by(design.levels) == name


def divides(layer: Layer, mapping: Mapping) -> bool:
    chunk = layer.bounds
    for loop in mapping.loops:
        if chunk[loop.dim] % loop.tile:
            return False
        chunk[loop.dim] = loop.tile
    return True


def onchip(exact: Counts, level: int) -> int:
    moved = exact.traffic[level].values()
    return sum(words.reads + words.fills + words.updates + words.drains for words in moved)


def pe_words(found: dict[str, float]) -> float:
    return found["used_pes"] * (found["pe_read"] + found["pe_written"])


def core_words(found: dict[str, float]) -> float:
    return found["used_cores"] * (found["core_read"] + found["core_filled"])


@settings(max_examples=120, deadline=None, derandomize=True)
@given(layers, choices, designs_drawn)
def test_counts_pe_memory_words_from_above(layer: Layer, drawn: list[int], design: Accelerator) -> None:
    """With all words one byte wide; windows that lanes share and reuse by coincidence are left out."""
    case = Case.of(layer, drawn, replace(design, word_format=WordFormat.integer(8, 8, 8)))
    exact, found = counted(case), case.tallies
    assert found["used_pes"] >= exact.used[1]
    assert pe_words(found) >= onchip(exact, 1)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(layers, choices, designs_drawn, st.booleans())
def test_counts_on_chip_words_exactly_where_tiles_divide(
    layer: Layer, drawn: list[int], design: Accelerator, whole: bool
) -> None:
    """Exact while one array tile lasts; across tiles the mapspace takes registers to start afresh.

    The layer has no taps, so that no windows overlap on chip.
    """
    layer = replace(layer, r=1, s=1, stride=(1, 1))
    design = replace(design, word_format=WordFormat.integer(8, 8, 8))
    case = Case.of(layer, [0, *drawn[1:6], 0, 0, 0, drawn[9]] if whole else drawn, design)
    if not divides(layer, case.mapping):
        return
    exact, found = counted(case), case.tallies
    assert found["used_pes"] == exact.used[1]
    if any(loop.level < 2 and not loop.is_spatial for loop in case.mapping.loops):
        assert pe_words(found) >= onchip(exact, 1)
        assert core_words(found) >= onchip(exact, 2)
    else:
        assert (pe_words(found), core_words(found)) == (onchip(exact, 1), onchip(exact, 2))


def unlike(design: Accelerator) -> Accelerator:
    """The design with another energy for each level and direction, so that none stands in for another.

    DRAM and registers cost the same both ways.
    """
    levels = [
        replace(
            level,
            read_energy_j_per_byte=3.0 + 4 * i,
            write_energy_j_per_byte=(5.0 if i in (1, 2) else 3.0) + 4 * i,
        )
        for i, level in enumerate(design.levels)
    ]
    return replace(design, levels=tuple(levels), word_format=WordFormat.integer(8, 8, 8), mac_energy_j=2.0)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(layers, choices, designs_drawn, st.booleans())
def test_energies_are_those_of_the_counted_words(
    layer: Layer, drawn: list[int], design: Accelerator, whole: bool
) -> None:
    """Off chip exactly, and within the chip where tiles divide and one array tile is the whole layer."""
    layer, design = replace(layer, r=1, s=1, stride=(1, 1)), unlike(design)
    case = Case.of(layer, [0, *drawn[1:6], 0, 0, 0, drawn[9]] if whole else drawn, design)
    prices = case.prices()
    priced = dict(zip((*LEVELS, "mac", "leakage"), prices.energies_j[0].tolist(), strict=True))
    exact = energies_j(layer, counted(case), design)
    once = not any(loop.level < 2 and not loop.is_spatial for loop in case.mapping.loops)
    names = ("pe_memory", "core_memory", "lane_registers") if once and divides(layer, case.mapping) else ()
    for name in ("dram", "mac", *names):
        assert priced[name] == pytest.approx(exact[name], rel=1e-12), name
    latency_s = float(prices.latency_s[0])
    assert priced["leakage"] == pytest.approx(latency_s * design.leakage_w, rel=1e-12)
    offered = offers(stack([design]).columns)
    assert float(costs(layer, case.features, offered, Residency()).energy_j[0]) == pytest.approx(
        sum(priced.values())
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    outputs=st.integers(1, 40), taps=st.integers(1, 9), tile=st.integers(1, 40),
    stride=st.integers(1, 6), dilation=st.integers(1, 6),
)  # fmt: skip
def test_input_words_of_sliding_tiles_are_the_positions_that_enter(
    outputs: int, taps: int, tile: int, stride: int, dilation: int
) -> None:
    layer = Layer(name="rows", p=outputs, r=taps, stride=(stride, 1), dilation=(dilation, 1))
    tile, entered, held = min(tile, outputs), 0, set()
    for start in range(0, outputs, tile):
        rows = range(start, min(start + tile, outputs))
        window = {stride * p + dilation * r for p in rows for r in range(taps)}
        entered, held = entered + len(window - held), window
    found = offchip_words(layer, np.array([[1.0, 1, 1, 1, tile, 1]]), np.arange(6)[None])
    assert found.input_words.tolist() == [entered]


ACTIVATIONS = [Residency(*state) for state in STATES[1:]]
RESIDENCIES = [Residency(*(bool(i >> bit & 1) for bit in range(3))) for i in range(1, 8)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(layers, choices, designs_drawn, st.sampled_from(RESIDENCIES))
def test_what_stays_on_chip_is_held_as_a_whole_and_not_moved(
    layer: Layer, drawn: list[int], design: Accelerator, residency: Residency
) -> None:
    case = Case.of(layer, drawn, design)
    found, prices = case.tallies, case.prices(residency)
    trips = dict(zip("ngkcpq", case.space.columns[1][case.choice[0]].tolist(), strict=True))
    moves = {
        "inputs": max(trips[d] for d in "ngcpq") > 1,
        "outputs": max(trips[d] for d in "ngkpq") > 1,
        "weights": found["weights_move"] > 0,
    }
    fits = np.isfinite(float(prices.excess[0].max()))
    assert fits == (not any(moves[operand] for operand in moves if getattr(residency, operand)))
    if fits:
        parts = {
            "inputs": found["input_bytes"],
            "outputs": layer.words("outputs") * design.word_format.activation_bits / 8,
            "weights": found["weight_bytes"],
        }
        left = sum(size for operand, size in parts.items() if not getattr(residency, operand))
        assert float(prices.bytes[0, 0]) == left + 2 * found["partial_bytes"]


def with_memory(design: Accelerator, pe_bytes: int) -> Accelerator:
    """The design with another PE memory, of the same ports and energies."""
    dram, pe, *inner = design.levels
    return replace(design, levels=(dram, replace(pe, capacity_bytes=float(pe_bytes)), *inner))


class Told:
    """One front that was told, for designs of any kind."""

    def __init__(self, features: Array) -> None:
        self.features, self.bound = features, np.zeros(len(features), dtype=np.int64)

    def bounds(self, kinds: Index) -> Index:
        return np.repeat([[0, len(self.features)]], len(kinds), axis=0)

    def held(self, kinds: Index) -> Array:
        found = np.empty(len(STATES))
        least_held(self.features, found)
        return np.repeat(found[None], len(kinds), axis=0)


def test_the_compiled_loop_finds_what_torch_does() -> None:
    """On all designs, goals and residencies, ties but for rounding excepted."""
    layer = Layer(name="conv", k=12, c=8, p=6, q=6, r=3, s=3)
    space = mapspace(canonical(layer))
    fates = set()
    three = [accelerator(2, 2, 2, 8), accelerator(4, 1, 1, 4), accelerator(1, 1, 4, 16)]
    rng = np.random.default_rng(0)
    index = np.stack(
        [
            Case.of(layer, rng.integers(0, 10**6, 10).tolist(), accelerator(1, 1, 1, 1)).choice
            for _ in range(200)
        ]
    )
    for number, goal in enumerate(("latency", "energy", "edp")):
        for design in three:
            designs = stack([design, *(with_memory(design, size) for size in (64, 512, 4096))])
            features = space.features(kind(int(designs.kinds[0]))[0], index)
            fronts, whole = Told(features[np.argsort(features[:, kernel.F_BUSY])]), Residency()
            rows = torch.from_numpy(fronts.features)[None], torch.from_numpy(designs.offered)[:, None]
            together = best(layer, fronts, designs, [whole, *ACTIVATIONS], goal)  # type: ignore[arg-type]
            apart = [best(layer, fronts, designs, [each], goal) for each in RESIDENCIES]  # type: ignore[arg-type]
            for found, at, residency in (
                *((together, at, each) for at, each in enumerate([whole, *ACTIVATIONS])),
                *((each, 0, residency) for each, residency in zip(apart, RESIDENCIES, strict=True)),
            ):
                prices = costs(layer, *rows, residency)
                worst = prices.excess.amax(dim=-1)
                values = (prices.latency_s, prices.energy_j, prices.latency_s * prices.energy_j)[number]
                values = torch.where(worst <= 1.0, values, torch.inf)
                for row, chosen in enumerate(found.chosen[:, at].tolist()):
                    least = float(values[row].min())
                    assert (chosen >= 0) == (least < inf)
                    fates.add(chosen >= 0)
                    if chosen >= 0:
                        assert float(values[row, chosen]) == pytest.approx(least, rel=1e-11)
                        told = found.latency_s[row, at], found.energy_j[row, at]
                        exact = float(prices.latency_s[row, chosen]), float(prices.energy_j[row, chosen])
                        assert told == pytest.approx(exact, rel=1e-14)
                    elif at == 0:
                        assert float(worst[row, found.fittest[row]]) == float(worst[row].min())
    assert fates == {True, False}


def test_what_differs_by_rounding_is_a_tie_that_the_lower_energy_wins() -> None:
    one, features = Layer(name="one"), np.zeros((3, len(kernel.FEATURES)))
    features[:, kernel.F_BUSY] = [1000.0 * (1 - 1e-15), 1000.0, 1001.0]
    features[:, kernel.F_PE_J] = [5.0, 4.0, 1.0]
    designs = stack([accelerator(1, 1, 1, 1)])
    assert best(one, Told(features), designs, [Residency()], "latency").chosen.tolist() == [[1]]
    features[0, kernel.F_BUSY] = 999.0
    assert best(one, Told(features), designs, [Residency()], "latency").chosen.tolist() == [[0]]


def test_refuses_an_unknown_goal() -> None:
    designs, features = stack([accelerator(1, 1, 1, 1)]), np.zeros((1, len(kernel.FEATURES)))
    with pytest.raises(ValueError, match="`minimize` must be one of"):
        best(Layer(name="one"), Told(features), designs, [Residency()], "speed")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PRESETS)
def test_what_binds_is_what_the_itemized_prices_say(name: str) -> None:
    """Every layer in every state that has a mapping, on designs of much and of little bandwidth."""
    network = zoo.workload("mobilenet_v2").layers[:12]
    designs = stack(
        [build_edge({**PRESETS[name], "io_bandwidth_gb_per_s": speed}) for speed in (1, 5, 200)]
        + [build_edge({**PRESETS[name], "parameter_memory_entries": 64, "activation_memory_entries": 256})]
    )
    told = PRICER.costs(network, [range(len(STATES))] * len(network), designs, "latency")
    seen = set()
    for i, layer in enumerate(network):
        for state, residency in enumerate([Residency(), *ACTIVATIONS]):
            step = PRICER.layer(layer, residency, designs, "latency")
            there = torch.isfinite(told.latency_s[:, i, state])
            assert torch.equal(there, step.fits)
            assert torch.equal(told.bound[there, i, state], step.bound[there])
            seen |= set(step.bound[there].tolist())
    assert len(seen) >= 3


def test_prices_are_differentiable_in_what_designs_offer() -> None:
    """Gradients against differences, of latency and energy of many mappings on two designs."""
    layer = Layer(name="conv", k=12, c=8, p=6, q=6, r=3, s=3)
    space, design = mapspace(canonical(layer)), accelerator(2, 2, 2, 8)
    rng = np.random.default_rng(0)
    index = np.stack([Case.of(layer, rng.integers(0, 10**6, 10).tolist(), design).choice for _ in range(20)])
    designs = stack([design, with_memory(design, 1 << 16)])
    features = torch.from_numpy(space.features(kind(int(designs.kinds[0]))[0], index))[None]
    scale = torch.from_numpy(np.abs(designs.offered).max(axis=0) + 1e-30)

    def both(relative: Tensor) -> tuple[Tensor, Tensor]:
        prices = costs(layer, features, (relative * scale)[:, None], Residency(outputs=True))
        return prices.latency_s * 1e6, prices.energy_j * 1e6

    offered = (torch.from_numpy(designs.offered) / scale).requires_grad_()
    assert torch.autograd.gradcheck(both, (offered,), eps=1e-7, atol=1e-5, rtol=1e-4)
    latency_us, energy_uj = both(offered)
    for each in (latency_us, energy_uj):
        (gradient,) = torch.autograd.grad(each.sum(), offered, retain_graph=True)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().sum() > 0
