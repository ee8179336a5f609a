"""What designing networks and accelerators together is worth: the joint search beside those that it replaces.

Four searches of the same question, of as many trials each:

    hardware_only   the best design for the usual network
    network_only    the best network on that design
    sequential      a network on that design with half of the trials, then a design for it with the rest
    joint           all at once

The last two stages begin with what `hardware_only` found, so that they have had its trials on top of their own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from apollo_dse.codesign.networks import design_of, network_of
from apollo_dse.question import Question
from apollo_dse.report.choice import choose
from apollo_dse.study import Study
from apollo_dse.trial import Trial
from search_spaces import Point

Arm = Literal["hardware_only", "network_only", "sequential", "joint"]
ARMS: tuple[Arm, ...] = get_args(Arm)

Search = Callable[[Question, str, int], Study]
"""Runs the study of a question, of a name, up to a number of trials; one that is there goes on."""


@dataclass(frozen=True)
class Result:
    """What one of the searches found: its own trials, the last stage's feasible front, and the choice from it.

    `best` is None where nothing is feasible.
    """

    arm: Arm
    trials: int
    front: Sequence[Trial]
    best: Trial | None


def ablate(question: Question, joint: Study, trials: int, search: Search) -> dict[Arm, Result]:
    """The results of the four searches, by name, of which the joint one has been made.

    Args:
        question: with networks to choose from.
        joint: the study of that question.
        trials: of each search; at least 2.
        search: runs the others; their names begin with that of the joint study.

    Raises:
        ValueError: the question has no networks to choose from.
    """
    if question.networks is None:
        raise ValueError("an ablation needs networks to choose from, but the question has workloads")
    space, half = question.networks.network_space, max(1, trials // 2)

    def stage(stage: str, fixed: Point, count: int) -> Study:
        return search(replace(question, fixed={**question.fixed, **fixed}), f"{joint.name}-{stage}", count)

    hardware = stage("hardware", space.usual, trials)
    found = {"hardware_only": _result("hardware_only", [hardware]), "joint": _result("joint", [joint])}
    if (design := _chosen(hardware)) is not None:
        fixed = design_of(design, space)
        found["network_only"] = _result("network_only", [stage("network", fixed, trials)])
        first = stage("sequential-network", fixed, half)
        stages = [first]
        if (network := _chosen(first)) is not None:
            stages.append(stage("sequential-hardware", network_of(network, space), trials - half))
        found["sequential"] = _result("sequential", stages)
    return {arm: found.get(arm, Result(arm, 0, (), None)) for arm in ARMS}


def _chosen(study: Study) -> Point | None:
    """The point of the trial that a study recommends; of infeasible ones the least bad."""
    trial = choose(study.problem, study.trials)[0]
    return None if trial is None else trial.point


def _result(arm: Arm, stages: Sequence[Study]) -> Result:
    last = stages[-1]
    front = sorted(last.pareto_front, key=last.problem.losses)
    best = choose(last.problem, last.trials)[0] if front else None
    return Result(arm, sum(len(study.trials) for study in stages), front, best)


def shares(question: Question, results: Mapping[Arm, Result]) -> dict[Arm, float | None]:
    """How good each search's front is, 1 for the best; None where nothing is feasible.

    Of one objective that is above 0: the best loss of all over its own. Else the share of the hypervolume that
    all fronts have together, each loss (in logarithms, if it is above 0) scaled between its best and worst.
    """
    losses = {
        arm: np.array([[objective.loss(trial) for objective in question.objectives] for trial in result.front])
        for arm, result in results.items()
        if result.front
    }
    if not losses:
        return dict.fromkeys(results)
    everything = np.concatenate(list(losses.values()))
    positive = everything.min(axis=0) > 0
    if positive.all() and len(positive) == 1:
        return {arm: float(everything.min() / losses[arm].min()) if arm in losses else None for arm in results}

    def scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(positive, np.log(np.where(positive, values, 1.0)), values)

    best, worst = scaled(everything).min(axis=0), scaled(everything).max(axis=0)
    scale = np.where(worst > best, worst - best, 1.0)
    whole = _volume((scaled(everything) - best) / scale)
    return {
        arm: _volume((scaled(losses[arm]) - best) / scale) / whole if arm in losses else None for arm in results
    }


def _volume(losses: NDArray[np.float64]) -> float:
    """Hypervolume of losses [n, m] between 0 and 1, up to 1.1 in each."""
    import torch
    from botorch.utils.multi_objective.hypervolume import Hypervolume
    from botorch.utils.multi_objective.pareto import is_non_dominated

    gains = -torch.from_numpy(losses)
    reference = torch.full((losses.shape[1],), -1.1, dtype=torch.float64)
    return float(Hypervolume(reference).compute(gains[is_non_dominated(gains)]))
