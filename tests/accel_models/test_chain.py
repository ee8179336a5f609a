"""The chain of layers: the least total over all consistent choices of what stays on chip."""

from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_models import Layer
from accel_models.chain import STATES, StateCosts, executions, least_path, mix, network_totals, price_states
from accel_models.pricing import StepPrices


def prices(latency, energy, fits):
    """One state of one layer on one design."""
    one = torch.ones(1, dtype=torch.float64)
    return StepPrices(
        latency_s=latency * one,
        energies_j=energy * torch.ones((1, 1), dtype=torch.float64),
        bytes=latency * torch.ones((1, 1), dtype=torch.float64),
        compute_s=one,
        bound=torch.zeros(1, dtype=torch.int64),
        excess=(0.5 if fits else 2.0) * torch.ones((1, 1), dtype=torch.float64),
        parameter_share=0.25 * one,
    )


class Told:
    """A pricer that was told what each layer costs in each state."""

    def __init__(self, states):
        self.states = states

    def layer(self, layer, residency, _designs, _minimize):
        return self.states[layer.name][STATES.index((residency.inputs, residency.outputs))]


def chosen(layers, states, goal):
    """Executions of layers in states, and what these cost."""
    told = Told({layer.name: each for layer, each in zip(layers, states, strict=True)})
    costs = price_states(told, None, layers, goal, keep_activations=True)
    return executions(layers, costs, goal), costs


def layer_states(draw_latency, energy, fits):
    return {state: prices(draw_latency[state], energy[state], fits[state]) for state in range(len(STATES))}


amounts = st.lists(st.integers(1, 20), min_size=4, max_size=4)
some_layers = st.lists(
    st.tuples(amounts, amounts, st.lists(st.booleans(), min_size=3, max_size=3), st.integers(1, 3)),
    min_size=1,
    max_size=3,
)


def brute_force(drawn, goal):
    """Least total over the state of every edge between every two executions, off chip at both ends."""
    runs = [layer for layer in drawn for _ in range(layer[3])]
    best = float("inf")
    for inside in product((False, True), repeat=len(runs) - 1):
        total, edges = 0.0, (False, *inside, False)
        for (latency, energy, fits, _), edge in zip(runs, pairwise(edges), strict=True):
            state = STATES.index(edge)
            runs_so = state == 0 or fits[state - 1]
            total += (latency if goal == "latency" else energy)[state] if runs_so else float("inf")
        best = min(best, total)
    return best


@settings(max_examples=200, deadline=None, derandomize=True)
@given(some_layers, st.sampled_from(["latency", "energy"]))
def test_the_chain_is_the_cheapest_of_all_consistent_ones(drawn, goal):
    """Edges inside one layer's repeats share their state, which with three repeats leaves some chains out."""
    layers = [Layer(name=str(i), repeats=repeats) for i, (*_, repeats) in enumerate(drawn)]
    states = [layer_states(latency, energy, [True, *fits]) for latency, energy, fits, _ in drawn]
    counts, costs = chosen(layers, states, goal)
    assert counts.sum(dim=-1).tolist() == [[layer.repeats for layer in layers]]
    steps = [mix(each, counts[:, i]) for i, each in enumerate(states)]
    name = "latency_s" if goal == "latency" else "energy_j"
    total = sum(layer.repeats * float(getattr(step, name)) for layer, step in zip(layers, steps, strict=True))
    least = brute_force(drawn, goal)
    totals = dict(zip(("latency", "energy"), network_totals(costs, counts), strict=True))
    values = costs.latency_s if goal == "latency" else costs.energy_j
    assert float(totals[goal]) == pytest.approx(total) == pytest.approx(float(least_path(layers, values)))
    if all(layer.repeats < 3 for layer in layers):
        assert total == pytest.approx(least)
    else:
        assert total >= least * (1 - 1e-12)


def test_words_are_read_where_they_were_written():
    """Keeping would save both layers time, but the second has no room for its inputs."""
    saves = layer_states([10, 1, 1, 1], [1, 1, 1, 1], [True] * 4)
    lacks = layer_states([10, 1, 1, 1], [1, 1, 1, 1], [True, True, False, False])
    layers = [Layer(name="a"), Layer(name="b")]
    assert chosen(layers, [saves, lacks], "latency")[0].tolist() == [[[1, 0, 0, 0], [1, 0, 0, 0]]]
    assert chosen(layers, [saves, saves], "latency")[0].tolist() == [[[0, 1, 0, 0], [0, 0, 1, 0]]]


def test_the_product_weighs_relative_savings_of_both():
    fast = layer_states([10, 1, 1, 1], [10, 11, 11, 11], [True] * 4)
    layers = [Layer(name="a"), Layer(name="b")]
    assert chosen(layers, [fast, fast], "edp")[0].tolist() == [[[0, 1, 0, 0], [0, 0, 1, 0]]]
    dear = layer_states([10, 9, 9, 9], [10, 30, 30, 30], [True] * 4)
    assert chosen(layers, [dear, dear], "edp")[0].tolist() == [[[1, 0, 0, 0], [1, 0, 0, 0]]]


def test_an_average_execution_moves_what_all_of_them_do():
    states = layer_states([8, 4, 2, 1], [1, 1, 1, 1], [True] * 4)
    step = mix(states, torch.tensor([[0.0, 1.0, 1.0, 2.0]], dtype=torch.float64))
    assert float(step.latency_s) == pytest.approx((4 + 2 + 2 * 1) / 4)
    assert float(step.bytes) == pytest.approx((4 + 2 + 2 * 1) / 4)
    assert bool(step.fits)


def test_what_cannot_run_is_counted_in_the_first_state():
    never = torch.full((1, 2, 4), torch.inf, dtype=torch.float64)
    never[0, 0] = 1.0
    nothing = torch.zeros((1, 2, 4), dtype=torch.int64)
    costs = StateCosts(never, never, nothing, torch.full((1, 2, 1), 2.0, dtype=torch.float64))
    layers = [Layer(name="a", repeats=2), Layer(name="b")]
    for goal in ("latency", "energy", "edp"):
        assert executions(layers, costs, goal).tolist() == [[[2, 0, 0, 0], [1, 0, 0, 0]]]
    assert costs.fits.tolist() == [False]
