"""Studies that are looked at: their questions, and what a report says of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from apollo_dse.question.question import COLD, Question
from apollo_dse.report import About, ReportData, build_report
from apollo_dse.storage import Header, Record, Store
from apollo_dse.study import differences
from apollo_dse.transfer import Account, Transfer
from apollo_dse.transfer import accounts as accounts_of


def reportable(header: Header) -> Question:
    """The question of a study that is looked at rather than resumed: its space must be that of its trials.

    Raises:
        ValueError: as in `Question.stored`; or the space's file is broken or has changed since.
        OSError: the space's file cannot be read.
    """
    question = Question.stored(header)
    now = {parameter.name: repr(parameter) for parameter in question.search_space.parameters}
    if changed := differences(header.asked["parameters"], now):
        rule = f"study {header.name!r} can only be reported on in the space of its trials"
        raise ValueError(f"{rule}, but of {question.space} {'; '.join(changed)}")
    return question


def report(
    question: Question, header: Header, records: Sequence[Record], store: Store | None = None
) -> ReportData:
    """All that a report shows of a study of a question, its recommended design priced anew by its model.

    Where the search learned from priors, and the store is given, so is what came of each of them, and the
    search without them if the store has that (`NAME-cold`).
    """
    about = said(question, header, sum(record.seconds for record in records))
    if question.sources and store is not None:
        about = replace(about, **_transferred(question, header.name, store))
    price = question.price if question.is_analytical else None
    return build_report(question.problem(), [record.trial for record in records], about, price)


def said(question: Question, header: Header, seconds: float) -> About:
    """What a report says of a study of a question beside its trials, which took so long to evaluate."""
    return About(
        name=header.name,
        space=question.name,
        space_reference=question.design_space.reference,
        optimizer=question.searcher,
        workloads=question.subjects,
        seed=question.seed,
        seconds=seconds,
        versions=header.about["versions"],
    )


def accounts(question: Question, name: str, store: Store) -> tuple[Account, ...]:
    """What came of each prior that a study of the store learned from, in the end."""
    study = question.study(store, name)
    study.teach()
    assert isinstance(study.optimizer, Transfer)
    return tuple(accounts_of(study.optimizer))


def _transferred(question: Question, name: str, store: Store) -> dict[str, Any]:
    """What a report says of a study's priors, and of the search without them."""
    cold = f"{name}{COLD}"
    without = [record.trial for record in store.records(cold)] if cold in store.names() else []
    return {"sources": accounts(question, name, store), "cold": without}
