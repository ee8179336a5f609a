"""Your own simulator: a program described in a YAML file, searched four designs at a time, none of them twice.

Run it with `python examples/06_own_simulator.py`, or with another number of trials behind it.
"""

import sys
from pathlib import Path

from apollo_dse.evaluators.engine import Engine
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question


def main(trials: int = 64) -> None:
    """Search the caches of `own_simulator/space.yaml` for the fewest cycles, and report on it.

    Args:
        trials: designs to simulate; a second run of this program simulates none.
    """
    here = Path(__file__).parent / "own_simulator"
    question = Question(
        space=str(here / "space.yaml"),
        workloads=(),  # the simulator has its own
        objectives=(Objective("cycles"),),
        constraints=(Constraint.parse("area<=0.08mm2", "any"),),
        evaluator=str(here / "cache.yaml"),
        optimizer="evolution",
    )
    study = question.search(trials, engine=Engine("process", workers=4))
    best = study.incumbent
    failed = sum(trial.measurement.has_failed for trial in study.trials)
    print(f"{len(study.trials)} caches simulated, {failed} runs failed")
    for reason, count in study.problem.reasons(study.trials).items():
        print(f"{count} times {reason}")
    if best is not None:
        print(f"the best takes {best.measurement.metrics['cycles']:,.0f} cycles: {dict(best.point)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
