"""A search of your own against a task whose exact optimum is known; no optimizer of this project takes part.

Run it with `python examples/05_judge_a_search.py`, or with another number of trials behind it.
"""

import sys

import numpy as np

from apollo_dse import benchmark
from apollo_dse.trial import Trial


def main(trials: int = 100) -> None:
    """Change about every fourth parameter of the best design so far, again and again.

    Args:
        trials: designs to price.
    """
    task = benchmark.TASKS["eyeriss-resnet18-latency-medium"]
    problem = benchmark.remembered(task.problem())
    answer = benchmark.solution(task, problem)
    rng, made = np.random.default_rng(0), list[Trial]()
    while len(made) < trials:
        best, [point] = problem.incumbent(made), problem.space.sample(rng, 1)
        if best is not None:
            point = {name: value if rng.random() < 0.25 else best.point[name] for name, value in point.items()}
        if problem.known_violations([point]) == [0.0]:  # too large is known before a trial is spent
            [measurement] = problem.evaluate([point])
            made.append(Trial(len(made), point, measurement))
    regret = benchmark.regret(problem, made, answer)
    optimum_s = answer.designs[0].measurement.metrics["latency_s"]
    print(f"{task.name}: the best of {answer.points:,} designs takes {1e3 * optimum_s:.1f} ms")
    for number in (trials // 4, trials // 2, trials):
        print(f"after {number} trials the best so far is {100 * regret[number - 1]:.1f} % above that")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
