"""Who measures what a question asks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from apollo_dse import evaluators

if TYPE_CHECKING:
    from apollo_dse.evaluators import Evaluator
    from apollo_dse.question.question import Question


def evaluator_of(question: "Question", metrics: Sequence[str]) -> "Evaluator":
    """The evaluator of a question, told which metrics it is asked for.

    Raises:
        ValueError: there is no such evaluator, or its file or the space says something wrong; or `minimize` is
            given, and the evaluator maps nothing.
        OSError: a file cannot be read.
    """
    from apollo_dse.evaluators.analytical import STEADY, AnalyticalEvaluator
    from apollo_dse.evaluators.area import AREA, with_area

    designs, minimize = question.design_space, question.mapped_for
    steady = any(metric.startswith(STEADY) for metric in metrics)
    if question.networks is not None:
        from apollo_dse.codesign.joint import JointEvaluator

        space, accuracy = question.networks.network_space, question.networks.evaluator
        return JointEvaluator(designs, space, accuracy, minimize=minimize, steady=steady)
    if question.is_analytical:
        return AnalyticalEvaluator(designs, question.workloads, minimize=minimize, steady=steady)
    found = evaluators.get(question.evaluator, minimize)(designs, question.workloads)
    if question.minimize is not None and evaluators.trait(found, "minimize") is None:
        rule = "only an evaluator that maps layers itself is told what for"
        got = f"{question.evaluator!r} is none; leave minimize={question.minimize!r} out"
        raise ValueError(f"{rule}, but {got}")
    return with_area(found, designs) if AREA in metrics else found
