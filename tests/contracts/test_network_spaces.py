"""What every registered space of networks owes, and mutants that must be found out."""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import search_spaces
from accel_models import Workload
from accel_models.trace import build_without_weights, trace
from search_spaces import NetworkSpace, Point, canonical
from search_spaces.modules import example
from search_spaces.networks.nas_bench_201 import NAS_BENCH_201, NAS_BENCH_201_DIGITS
from tests.shapes import shapes

NUM_POINTS = 30
TRACED_POINTS = 2


def sample(space: NetworkSpace) -> list[Point]:
    return space.space.sample(np.random.default_rng(0), NUM_POINTS)


def every_point_builds(space: NetworkSpace) -> None:
    for point in sample(space):
        before = canonical(point)
        workload = space.build(point)
        assert isinstance(workload, Workload)
        assert workload.macs > 0
        assert workload == space.build(point)
        assert canonical(point) == before


def every_parameter_matters(space: NetworkSpace) -> None:
    for parameter in space.space.parameters:
        pairs = (
            (point, {**point, parameter.name: parameter.from_unit(u)})
            for point in sample(space)
            for u in (0.0, 0.5, 1.0)
        )
        legal = (pair for pair in pairs if pair[1] in space.space)
        assert any(space.build(one) != space.build(other) for one, other in legal), parameter.name


def other_points_are_refused(space: NetworkSpace) -> None:
    """A network of a point that lies outside must not be built in silence."""
    point = dict(sample(space)[0])
    point.pop(space.space.names[0])
    with pytest.raises(ValueError, match="must have a value"):
        space.build(point)


def modules_compute_what_is_built(space: NetworkSpace) -> None:
    """The trace has the same layers and vector operations: bounds, strides, words, what is fused, how often."""
    if space.module is None:
        return
    for point in (space.usual, *sample(space)[:TRACED_POINTS]):
        module = build_without_weights(lambda: space.module(point))  # noqa: B023 - called at once
        assert shapes(trace(module, example(space, point))) == shapes(space.build(point))


def modules_refuse_other_points(space: NetworkSpace) -> None:
    if space.module is not None:
        with pytest.raises(ValueError, match="must have a value"):
            space.module({})


def modules_score_inputs_one_by_one(space: NetworkSpace) -> None:
    """In evaluation mode a batch is a loop of singles."""
    if space.module is None:
        return
    point = min(sample(space), key=lambda each: space.build(each).macs)
    torch.manual_seed(0)
    module, inputs = space.module(point).eval(), example(space, point)
    batch = torch.cat([inputs, torch.ones_like(inputs)])
    with torch.no_grad():
        together, apart = module(batch), torch.cat([module(batch[:1]), module(batch[1:])])
    assert torch.isfinite(together).all()
    torch.testing.assert_close(together, apart, rtol=1e-3, atol=1e-5)


def presets_lie_in_the_space(space: NetworkSpace) -> None:
    assert [reason for point in space.presets.values() for reason in space.space.violations(point)] == []


def it_says_where_it_comes_from(space: NetworkSpace) -> None:
    assert len(space.reference) > 10


def it_travels_between_processes(space: NetworkSpace) -> None:
    assert pickle.loads(pickle.dumps(space)).space == space.space


CHECKS: tuple[Callable[[NetworkSpace], None], ...] = (
    every_point_builds,
    every_parameter_matters,
    other_points_are_refused,
    modules_compute_what_is_built,
    modules_refuse_other_points,
    modules_score_inputs_one_by_one,
    presets_lie_in_the_space,
    it_says_where_it_comes_from,
    it_travels_between_processes,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", search_spaces.network_names())
def test_registered_spaces_keep_the_contract(name: str, check: Callable[[NetworkSpace], None]) -> None:
    assert search_spaces.network_space(name).name == name
    check(search_spaces.network_space(name))


def build_without_the_last_edge(point: Point) -> Workload:
    return NAS_BENCH_201.build({**point, "edge23": "none"})


def build_anything(point: Point) -> Workload:
    return NAS_BENCH_201.build({**NAS_BENCH_201.usual, **point})


class WithOneMore(nn.Module):
    """A network with one more function behind it."""

    def __init__(self, point: Point) -> None:
        super().__init__()
        self.network = NAS_BENCH_201_DIGITS.module(point)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.network(x))


class AlikeInABatch(nn.Module):
    """A network that looks at the whole batch."""

    def __init__(self, point: Point) -> None:
        super().__init__()
        self.network = NAS_BENCH_201_DIGITS.module(point)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x - x.mean(0, keepdim=True))


def module_without_the_last_edge(point: Point) -> nn.Module:
    return NAS_BENCH_201_DIGITS.module({**point, "edge23": "none"})


def module_of_anything(point: Point) -> nn.Module:
    return NAS_BENCH_201_DIGITS.module({**NAS_BENCH_201.usual, **point})


def computing(module: Callable[[Point], nn.Module]) -> NetworkSpace:
    return replace(NAS_BENCH_201_DIGITS, module=module)


MUTANTS: Mapping[str, tuple[NetworkSpace, Callable[[NetworkSpace], None]]] = {
    "ignores a parameter": (replace(NAS_BENCH_201, build=build_without_the_last_edge), every_parameter_matters),
    "builds what is incomplete": (replace(NAS_BENCH_201, build=build_anything), other_points_are_refused),
    "computes something else": (computing(module_without_the_last_edge), modules_compute_what_is_built),
    "computes one function more": (computing(WithOneMore), modules_compute_what_is_built),
    "computes what is incomplete": (computing(module_of_anything), modules_refuse_other_points),
    "computes batches": (computing(AlikeInABatch), modules_score_inputs_one_by_one),
    "has a broken preset": (replace(NAS_BENCH_201, presets={"x": {}}), presets_lie_in_the_space),
    "comes from nowhere": (replace(NAS_BENCH_201, reference=""), it_says_where_it_comes_from),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_break_the_contract(mutant: str) -> None:
    space, check = MUTANTS[mutant]
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(space)


def test_a_space_without_presets_or_half_named_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a preset, but 'nb201' has none"):
        replace(NAS_BENCH_201, presets={})
    with pytest.raises(ValueError, match="`label` and `named` go together"):
        replace(NAS_BENCH_201, label=None)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"a space of networks must be one of .*; did you mean 'nb201'"):
        search_spaces.network_space("nb202")
