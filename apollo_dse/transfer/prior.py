"""Trials of another task: a type of its own, so that losses of two tasks never get mixed.

A loss means something only within its task. What was found elsewhere therefore comes as a `Prior`, with the
question that was asked there; it enters a search through a transfer method, which decides what of it holds
here, and never by `tell`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from math import log2, sqrt

from accel_models import Layer, Workload
from apollo_dse.problem import Constraint, Problem
from apollo_dse.trial import Measurement, Trial
from search_spaces.space import Point, canonical

UNLIKE = 2.0
"""Difference in a feature, in doublings, that makes tasks as unlike as tasks of different kinds of layers."""

_KINDS = ("spatial", "pointwise", "depthwise", "matrix", "attention")


@dataclass(frozen=True, slots=True)
class Description:
    """What a task is about: its space and networks by name, and numbers that tell related tasks apart.

    `features` are logarithms to the base 2 of what the networks compute and move, of the limits and of the
    technology node, and shares of the multiply-accumulates by kind of layer; of several networks they are
    means. Any may be missing.
    """

    space: str
    workloads: tuple[str, ...]
    features: Mapping[str, float]

    def distance(self, other: "Description") -> float:
        """How unlike two tasks are: root mean square over the features that both have, 1 for a kind of layer.

        Tasks without a feature in common are at distance 1.
        """
        shared = sorted(set(self.features) & set(other.features))
        if not shared:
            return 1.0
        differences = (
            (self.features[name] - other.features[name]) / (1.0 if name.startswith("share:") else UNLIKE)
            for name in shared
        )
        return sqrt(sum(each**2 for each in differences) / len(shared))


def describe(
    space: str,
    workloads: Sequence[Workload],
    constraints: Sequence[Constraint] = (),
    node_nm: float | None = None,
) -> Description:
    """The description of a task, from what is asked.

    Args:
        space: its name.
        workloads: the networks.
        constraints: the limits.
        node_nm: the technology node of all designs, where it is one (`DesignSpace.node_nm`).
    """
    names = tuple(workload.name for workload in workloads)
    each = [_features(workload) for workload in workloads]
    features = {name: sum(one[name] for one in each) / len(each) for name in (each[0] if each else ())}
    limits = {
        f"limit:{'lower' if limit.upper is None else 'upper'}:{limit.metric}": log2(limit.limit)
        for limit in constraints
        if limit.limit > 0
    }
    node = {} if node_nm is None else {"node": log2(node_nm)}
    return Description(space, names, features | limits | node)


def _features(workload: Workload) -> dict[str, float]:
    macs = max(workload.macs, 1)
    weights = workload.words("weights")
    activations = workload.words("inputs") + workload.words("outputs")
    shares = dict.fromkeys(_KINDS, 0.0)
    for layer in workload.layers:
        shares[_kind(layer)] += layer.repeats * layer.macs / macs
    sizes = dict.fromkeys(("pixels", "channels_in", "channels_out"), 0.0)
    for layer in workload.layers:
        share = layer.repeats * layer.macs / macs
        sizes["pixels"] += share * log2(layer.n * layer.p * layer.q)
        sizes["channels_in"] += share * log2(layer.c * layer.r * layer.s)
        sizes["channels_out"] += share * log2(layer.k)
    return {
        "macs": log2(macs),
        "weights": log2(1 + weights),
        "activations": log2(1 + activations),
        "intensity": log2(macs / max(1, weights + activations)),
        "vector_ops": log2(1 + sum(op.repeats * op.ops for op in workload.vector_ops)),
        "layers": log2(1 + sum(layer.repeats for layer in workload.layers)),
        **{f"mean:{what}": size for what, size in sizes.items()},
        **{f"share:{kind}": share for kind, share in shares.items()},
    }


def _kind(layer: Layer) -> str:
    if layer.weights_are_activations:
        return "attention"
    if layer.g > 1:
        return "depthwise"
    if layer.r * layer.s > 1:
        return "spatial"
    return "pointwise" if layer.q > 1 else "matrix"


@dataclass(frozen=True)
class Prior:
    """What was tried on another task: its name, what it was about, what was asked there, and the trials.

    Attributes:
        name: how people call it, such as `study:resnet@200`.
        task: what it was about.
        problem: space, objectives and limits of that search; it need not be able to evaluate.
        trials: in order.

    Raises:
        ValueError: there is no trial.
    """

    name: str
    task: Description
    problem: Problem
    trials: tuple[Trial, ...]

    def __post_init__(self) -> None:
        if not self.trials:
            raise ValueError(f"a prior must have at least one trial, but {self.name!r} has none")

    @cached_property
    def fingerprint(self) -> str:
        """Short text that two priors share when their trials and their questions are the same."""
        asked = (*map(str, self.problem.objectives), *map(str, self.problem.constraints))
        digest = sha256(json.dumps([*asked, dict(self.task.features)], sort_keys=True).encode())
        for trial in self.trials:
            measured = json.dumps(dict(trial.measurement.metrics), sort_keys=True)
            digest.update(f"{canonical(trial.point)} {measured}".encode())
        return digest.hexdigest()[:16]


def unavailable(points: Sequence[Point]) -> list[Measurement]:
    """Stands for the evaluator of a prior's problem: what is over cannot be measured again.

    Raises:
        ValueError: always.
    """
    raise ValueError(f"a prior's problem must not be evaluated, but {len(points)} points were asked for")
