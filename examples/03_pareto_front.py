"""One chip for two networks, two goals: the designs that no other beats in both latency and area.

Run it with `python examples/03_pareto_front.py`, or with another number of trials behind it.
"""

import sys

from accel_models import zoo
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question


def main(trials: int = 200) -> None:
    """Search for MobileNetV2 and ResNet-18 together; metrics are geometric means over both.

    Args:
        trials: designs to price.
    """
    question = Question(
        space="edge",
        workloads=(zoo.workload("mobilenet_v2"), zoo.workload("resnet18")),
        objectives=(Objective.parse("latency"), Objective.parse("area")),
        constraints=(Constraint.parse("power<=3W"),),
    )
    study = question.search(trials)
    front = sorted(study.pareto_front, key=study.problem.losses)
    print(f"{len(front)} of {trials} designs on the Pareto front")
    for trial in front:
        metrics, point = trial.measurement.metrics, trial.point
        array = f"{point['pe_x']} x {point['pe_y']} PEs of {point['cores']} cores of {point['lanes']} lanes"
        print(f"{metrics['latency_s'] * 1e3:8.3f} ms {metrics['area_mm2']:8.2f} mm2  {array}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
