"""Where priors come from: studies of a store, and its library of priors.

A *reference* names one. `study:NAME@N`, or `NAME@N`, is the first N trials of a study, which never change, and
without `@N` all that there are; `prior:NAME` is one of the library.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from accel_models import Workload, workload_io
from apollo_dse.codesign.networks import Networks, joint_space
from apollo_dse.problem import Constraint, Objective
from apollo_dse.storage import Header, Store, StoreError
from apollo_dse.transfer.files import from_dict, past, seen_space
from apollo_dse.transfer.prior import Description, Prior, describe
from apollo_dse.trial import Trial
from search_spaces import DesignSpace, get
from search_spaces.space import SearchSpace

PRIOR, STUDY = "prior:", "study:"


def load(store: Store, reference: str) -> Prior:
    """The prior that a reference names; its name is the full reference, with the number of trials.

    Raises:
        ValueError: the number of trials is no number above 0, or more than there are.
        StoreError: the store has no such study or prior, or the study has no trial.
    """
    if reference.startswith(PRIOR):
        _, content = store.prior(reference.removeprefix(PRIOR))
        return from_dict(reference, content)
    name, count = _study(reference)
    header = store.header(name)
    trials = [record.trial for record in store.records(name)]
    if not trials:
        raise StoreError(f"a study must have trials to be learned from, but {name!r} in {store.path} has none")
    if count is not None and count > len(trials):
        raise ValueError(f"study {name!r} has {len(trials)} trials, but {reference!r} asks for {count}")
    kept = tuple(trials[:count])
    return of_study(header, kept, f"{STUDY}{name}@{len(kept)}")


def of_study(header: Header, trials: Sequence[Trial], name: str) -> Prior:
    """A prior of a study's trials."""
    objectives = tuple(Objective.parse(text, "any") for text in header.asked["objectives"])
    constraints = tuple(Constraint.parse(text, "any") for text in header.asked["constraints"])
    workloads = [workload_io.from_dict(each) for each in header.about.get("workloads", [])]
    known = _known(header.about.get("space"))
    name_of_space, space = str(header.about.get("space") or ""), _space(known, trials)
    if known is not None and (networks := _networks(header.about)) is not None:
        workloads.append(networks.usual)
        name_of_space += f"+{networks.network_space.name}"
        space = joint_space(known, networks.network_space)
    task = describe(name_of_space, workloads, constraints, None if known is None else known.node_nm)
    return Prior(name, task, past(space, objectives, constraints), tuple(trials))


def of_table(
    name: str,
    trials: Sequence[Trial],
    *,
    space: str = "",
    workloads: Sequence[Workload] = (),
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint] = (),
) -> Prior:
    """A prior of somebody's old results.

    Args:
        name: what it is called.
        trials: what was tried.
        space: name of the space that it was tried in; empty: that of all values that the trials have.
        workloads: the networks that were measured; without any, nothing tells how related the task is.
        objectives: what was wanted.
        constraints: limits that were kept.

    Raises:
        ValueError: there is no trial, or a parameter has numbers and words.
    """
    known = _known(space or None)
    task: Description = describe(space, workloads, constraints, None if known is None else known.node_nm)
    asked = past(_space(known, trials), tuple(objectives), tuple(constraints))
    return Prior(name, task, asked, tuple(trials))


def _study(reference: str) -> tuple[str, int | None]:
    name, at, count = reference.removeprefix(STUDY).partition("@")
    if at and not (count.isascii() and count.isdigit() and int(count) > 0):
        raise ValueError(
            f"a reference must end in @ and a number of trials, or in neither, but got {reference!r}"
        )
    return name, int(count) if at else None


def _networks(about: Mapping[str, Any]) -> Networks | None:
    """The networks that a study chose from, where they can be had."""
    with suppress(ValueError, OSError, KeyError, TypeError):
        networks = Networks(**about["networks"])
        if networks.network_space:
            return networks
    return None


def _known(name: Any) -> DesignSpace | None:
    """The space of that name, where it can be had."""
    if name is not None:
        with suppress(ValueError, OSError):
            return get(name)
    return None


def _space(known: DesignSpace | None, trials: Sequence[Trial]) -> SearchSpace:
    """What was searched: the space, where it can be had, else all values that the trials have."""
    return seen_space([trial.point for trial in trials]) if known is None else known.space
