"""A question as plain JSON values in the header of its study, and back.

Workloads are written out, so that the store alone answers `report` and `resume`. Only a space and an evaluator
of the user's own are kept by path: their files must still be there, and a study notices when they have changed.
"""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_models import workload_io
from apollo_dse import evaluators
from apollo_dse.codesign.networks import Networks
from apollo_dse.problem import Constraint, Objective
from search_spaces import DesignSpace

if TYPE_CHECKING:
    from apollo_dse.question.question import Question
    from apollo_dse.storage import Header
    from apollo_dse.transfer import Prior

VERSION = 1
"""Of the keys that `about` writes."""


def about(question: "Question") -> dict[str, Any]:
    """Plain JSON values from which, with what the study asks, `fields` has the question again."""
    space = None if isinstance(question.space, DesignSpace) else question.space
    return {
        "version": VERSION,
        "space": _findable(space),
        "workloads": [workload_io.to_dict(workload) for workload in question.workloads],
        **({"networks": question.networks.about()} if question.networks else {}),
        **({"fixed": dict(question.fixed)} if question.fixed else {}),
        "minimize": question.mapped_for,
        "versions": {name: version(name) for name in ("apollo-dse", "torch", "numpy")},
        **({"sources": list(map(_reference, question.sources))} if question.sources else {}),
        **({} if question.is_analytical else {"evaluator": _findable(question.evaluator)}),
    }


def fields(header: "Header") -> dict[str, Any]:
    """The fields of the question of a study in a store.

    Raises:
        ValueError: the study was begun by another program than this one's front doors.
    """
    try:
        return _fields(header)
    except (LookupError, TypeError, AttributeError) as error:
        rule = f"study {header.name!r} must have a header that `explore` or `recommend` wrote"
        raise ValueError(f"{rule}, but its header is another's: {error!r}") from error


def _fields(header: "Header") -> dict[str, Any]:
    asked, kept = header.asked, header.about
    if kept.get("version") != VERSION or None in (kept["space"], *kept.get("networks", {}).values()):
        rule = f"study {header.name!r} must have been begun by `explore` or `recommend` on a named space"
        raise ValueError(f"{rule}, but its header is about {', '.join(kept) or 'nothing'}")
    knobs = dict(asked["optimizer"])
    name, sources = knobs.pop("name"), tuple(kept.get("sources", ()))
    return {
        "space": kept["space"],
        "workloads": tuple(workload_io.from_dict(each) for each in kept["workloads"]),
        "networks": Networks(**kept["networks"]) if "networks" in kept else None,
        "fixed": kept.get("fixed", {}),
        "objectives": tuple(Objective.parse(text, "any") for text in asked["objectives"]),
        "constraints": tuple(Constraint.parse(text, "any") for text in asked["constraints"]),
        "seed": knobs.pop("seed"),
        "batch": asked["batch"],
        "asynchronous": asked.get("asynchronous", False),
        "minimize": kept["minimize"],
        "knobs": knobs,
        "evaluator": kept.get("evaluator", evaluators.ANALYTICAL),
        **({"method": name, "sources": sources} if sources else {"optimizer": name}),
    }


def _findable(name: str | None) -> str | None:
    """A name, or the path of a file from wherever the store is read, behind a simulator's name perhaps."""
    known, colon, path = (name or "").rpartition(evaluators.WHERE)
    return f"{known}{colon}{Path(path).absolute()}" if path and Path(path).is_file() else name


def _reference(source: "str | Prior") -> str:
    return source if isinstance(source, str) else source.name
