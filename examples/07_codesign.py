"""Networks and accelerators chosen together, the networks rated by a class of one's own.

    python examples/07_codesign.py

Here larger networks are taken to be better, with returns that diminish; put your table, predictor or training
in its place.
"""

from collections.abc import Sequence
from math import log2

from apollo_dse.ablation import ablate, shares
from apollo_dse.codesign.networks import Networks
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from apollo_dse.trial import Measurement
from search_spaces import Point, network_space

SPACE = network_space("nb201")


class Larger:
    """Rates a network by its multiply-accumulates, a share that grows with their logarithm."""

    metrics = ("accuracy",)
    fingerprint = "larger is better"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a network, in order."""
        return [Measurement({"accuracy": 1.0 - 2.0 / log2(SPACE.build(point).macs)}) for point in points]


def main(trials: int = 64) -> None:
    """Search both, and what that replaces: designs alone, networks alone, one after the other."""
    question = Question(
        space="edge",
        networks=Networks(SPACE, Larger()),
        objectives=(Objective.parse("accuracy"), Objective.parse("latency")),
        constraints=(Constraint.parse("area<=20"),),
        optimizer="evolution",
    )
    joint = question.search(trials)
    for trial in joint.pareto_front:
        found, metrics = list(trial.point.values()), trial.measurement.metrics
        print(f"{metrics['accuracy']:.3f} {1e6 * metrics['latency_s']:.1f} us {found}")
    results = ablate(question, joint, trials, lambda asked, name, count: asked.search(count, name=name))
    for arm, share in shares(question, results).items():
        print(f"{arm:14} {results[arm].trials} trials, {share or 0:.0%} of the hypervolume of all fronts")


if __name__ == "__main__":
    main()
