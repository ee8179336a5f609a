"""Co-search with inherited weights: children compute what their parents did, limits hold, seeds decide."""

import numpy as np
import pytest
import torch
from torch import nn

from accel_models.zoo.networks.mobile import ConvNorm
from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.inheritance import Lineage, Plan, cosearch, unlearned
from apollo_dse.codesign.morphism.moves import STEPS, grown
from apollo_dse.codesign.training import Schedule
from apollo_dse.problem import Constraint
from search_spaces import Point, get

EDGE = get("edge")
DIGITS = load("digits")
LIMIT = Constraint.parse("area<=40mm2")


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (ConvNorm(1, 6, 3, stride=2, activation=nn.ReLU), ConvNorm(6, 8, 3, activation=nn.ReLU))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def small_design() -> Point:
    points = EDGE.space.sample(np.random.default_rng(0), 200)
    return min(points, key=lambda point: EDGE.build(point).total_area_mm2)


def searched(**changed: object) -> Lineage:
    once = Schedule(epochs=1)
    plan = Plan(**{"children": 4, "first": Schedule(epochs=2), "child": once, "seed": 1, **changed})  # type: ignore[arg-type]
    return cosearch(network(), small_design(), DIGITS, EDGE, (LIMIT,), plan)


def test_every_step_keeps_what_is_computed_up_to_its_noise() -> None:
    module, example = network().eval(), torch.from_numpy(DIGITS.train.images[:64])
    rng, seen = np.random.default_rng(0), set()
    for _ in range(40):
        step, new = grown(module, example, rng)
        seen.add(step.split()[0])
        with torch.no_grad():
            off = float((new(example) - module(example)).abs().max())
        assert off < (0.5 if step.startswith("wider") else 1e-5)
    assert seen == set(STEPS)


def test_a_search_keeps_its_limits_and_trains_children_for_less() -> None:
    found = searched()
    assert [member.epochs for member in found.members] == [2, 1, 1, 1, 1]
    assert found.epochs == 6
    for place, member in enumerate(found.members):
        assert LIMIT.slack(member.measurement) >= 0
        assert member.point in EDGE.space
        assert (member.parent is None) if place == 0 else (0 <= member.parent < place)
    assert found.best.accuracy == max(member.accuracy for member in found.members)
    sizes = [sum(each.numel() for each in member.network.parameters()) for member in found.members]
    assert all(size >= sizes[0] for size in sizes)


def test_the_same_seed_gives_the_same_search() -> None:
    one, again = searched(children=2), searched(children=2)
    assert [each.step for each in one.members] == [each.step for each in again.members]
    assert [dict(each.measurement.metrics) for each in one.members] == [
        dict(each.measurement.metrics) for each in again.members
    ]


def test_without_inheritance_children_begin_anew_and_take_as_long_as_the_first() -> None:
    found = searched(children=2, inherit=False)
    assert [member.epochs for member in found.members] == [2, 2, 2]


def test_what_breaks_a_limit_is_not_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apollo_dse.codesign.inheritance.DRAWS_PER_CHILD", 8)
    area = EDGE.build(small_design()).total_area_mm2
    costs = cosearch(network(), small_design(), DIGITS, EDGE, (), Plan(children=1, first=Schedule(epochs=1)))
    latency_s = costs.members[0].measurement.metrics["latency_s"]
    tight = (Constraint("area_mm2", upper=area), Constraint("latency_s", upper=latency_s))
    found = cosearch(network(), small_design(), DIGITS, EDGE, tight, Plan(children=1, first=Schedule(epochs=1)))
    assert found.refused > 0
    with pytest.raises(ValueError, match=r"must keep the limits, but it breaks area_mm2<=1\.0"):
        cosearch(network(), small_design(), DIGITS, EDGE, (Constraint("area_mm2", upper=1.0),), Plan())


def test_unlearned_networks_have_other_weights_by_the_seed() -> None:
    module = network()
    one, again, other = unlearned(module, 1), unlearned(module, 1), unlearned(module, 2)
    assert torch.equal(one[0][0].weight, again[0][0].weight)
    assert not torch.equal(one[0][0].weight, other[0][0].weight)
    assert not torch.equal(one[0][0].weight, module[0][0].weight)


def test_plans_are_checked() -> None:
    with pytest.raises(ValueError, match="`population >= 1` must hold, but got population=0"):
        Plan(population=0)
    with pytest.raises(ValueError, match="must be a probability, but got 2"):
        Plan(same_hardware=2)
