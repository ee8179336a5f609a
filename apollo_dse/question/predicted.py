"""The built-in model as a prior of a search with another evaluator."""

from dataclasses import replace
from typing import TYPE_CHECKING

from apollo_dse import evaluators
from apollo_dse.problem import Objective

if TYPE_CHECKING:
    from apollo_dse.question.question import Question
    from apollo_dse.transfer import Prior

MODEL = "model:analytical"
"""What stands among the sources for the built-in model, asked for what it predicts."""

PREDICTED_TRIALS = 512
"""Designs of the search that finds out where the built-in model has its best ones."""


def predicted(question: "Question") -> "Prior":
    """The built-in model as a prior: what it was asked by a search of its own, and may be asked.

    Objectives and limits on metrics that it has not are left out; without an objective it is latency.
    """
    from apollo_dse.evaluators.analytical import COSTS
    from apollo_dse.transfer import Prior, describe

    objectives = tuple(each for each in question.objectives if each.metric in COSTS)
    own = replace(
        question,
        objectives=objectives or (Objective("latency_s"),),
        constraints=tuple(each for each in question.constraints if each.metric in COSTS),
        evaluator=evaluators.ANALYTICAL,
        optimizer="evolution",
        seed=0,
        batch=32,
        knobs={},
        method=None,
        sources=(),
    )
    study = own.search(PREDICTED_TRIALS)
    task = describe(question.name, question.workloads, own.constraints, question.design_space.node_nm)
    return Prior(MODEL, task, study.problem, study.trials)
