"""One trial looked at as closely as the recommended one: limits, block diagram, layers."""

from apollo_dse.problem import Problem
from apollo_dse.report.choice import recommendation
from apollo_dse.report.data import workload_costs
from apollo_dse.report.document import Design, ReportData, StudyInfo
from apollo_dse.report.hardware import PricedDesign, hardware
from apollo_dse.report.summary import describe
from apollo_dse.trial import Trial


def build_design(problem: Problem, study: StudyInfo, trial: Trial, priced: PricedDesign | None) -> Design:
    """All there is to show of a trial.

    Args:
        problem: space, objectives and limits of the study.
        study: what was asked.
        trial: of the study.
        priced: the trial's design, layer by layer; None: its evaluator is not the built-in model, or it could
            not be built.
    """
    kept = recommendation(problem, trial, trial.number) if trial.measurement.is_feasible else None
    drawn = None if priced is None else hardware(priced.accelerator)
    workloads = workload_costs(priced)
    return Design(
        number=trial.number,
        point=trial.point,
        metrics=trial.measurement.metrics,
        summary=describe(study, trial, kept, drawn, workloads),
        recommendation=kept,
        hardware=drawn,
        workloads=workloads,
        network=None if priced is None else priced.network,
    )


def recommended_design(report: ReportData, trial: Trial) -> Design:
    """The recommended trial of a report, which says more of it than of others."""
    return Design(
        number=trial.number,
        point=trial.point,
        metrics=trial.measurement.metrics,
        summary=report.summary,
        recommendation=report.recommendation,
        hardware=report.hardware,
        workloads=report.workloads,
        network=report.network,
    )
