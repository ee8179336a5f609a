"""The public benchmark "exactly solved accelerator DSE", and the judge of optimizers.

    from apollo_dse import benchmark

    task = benchmark.TASKS["edge-resnet18-latency-tight"]
    problem = task.problem()                        # a space, objectives, limits, and what evaluates points
    answer = benchmark.solution(task, problem)      # the exact optimum, or the exact Pareto front
    trials = study.trials                           # of whoever searched
    benchmark.regret(problem, trials, answer)       # after each of them

`apollo-dse compare` runs a grid of optimizers, tasks and seeds and says who won, and whether that was chance.
"""

from apollo_dse.benchmark.comparison import document, grid
from apollo_dse.benchmark.memory import remembered
from apollo_dse.benchmark.processes import make
from apollo_dse.benchmark.results import Results
from apollo_dse.benchmark.run import Outcome, Run, execute, regret
from apollo_dse.benchmark.solutions import Solution, StaleError, solution
from apollo_dse.benchmark.suite import TASKS, select
from apollo_dse.benchmark.tasks import Task

__all__ = [
    "TASKS",
    "Outcome",
    "Results",
    "Run",
    "Solution",
    "StaleError",
    "Task",
    "document",
    "execute",
    "grid",
    "make",
    "regret",
    "remembered",
    "select",
    "solution",
]
