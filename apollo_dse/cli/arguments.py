"""From words on the command line to values: questions, engines, shapes, networks, points.

Everything here refuses with a `UserError` that says the rule, what was given, and the nearest valid name.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from apollo_dse.cli.errors import UserError, priced_network, user_input

if TYPE_CHECKING:
    from accel_models import Workload
    from apollo_dse.evaluators.engine import Engine
    from search_spaces.parameter import Parameter as SpaceParameter
    from search_spaces.quantity import Value
    from search_spaces.space import DesignSpace, Point


def asked(**options: Any) -> dict[str, Any]:
    """The options that were given, as the fields of a `Question`.

    With sources to learn from and no method, the method is the recommended one. An optimizer is then that of
    the warm start. Of a user's own evaluator, and of networks that somebody rates, any metric is taken; whether
    there is one is found out later.

    Raises:
        UserError: a network, objective or constraint is wrong, or there is a method and nothing to learn from.
    """
    from apollo_dse.problem import Constraint, Objective

    theirs = options.get("evaluator") is not None or options.get("networks") is not None
    metrics: Literal["any"] | None = "any" if theirs else None
    parsers: dict[str, Callable[[str], Any]] = {
        "sources": str,
        "workloads": network,
        "objectives": lambda text: Objective.parse(text, metrics),
        "constraints": lambda text: Constraint.parse(text, metrics),
    }
    fields = {}
    with user_input():
        for name, value in options.items():
            if value is not None:
                parse = parsers.get(name)
                fields[name] = tuple(map(parse, value)) if parse else value
    return _transferring(fields)


def _transferring(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with all that a transfer needs, if one is asked for."""
    if "sources" not in fields:
        if "method" in fields:
            raise UserError("--method needs something to learn from: a study or prior:NAME")
        return fields
    fields.setdefault("method", "auto" if "optimizer" not in fields else "warm-start")
    if "optimizer" in fields:
        if fields["method"] != "warm-start":
            got = f"the method is {fields['method']}"
            raise UserError(f"--optimizer goes with a transfer only where the method is warm-start, but {got}")
        fields["knobs"] = {"optimizer": fields.pop("optimizer")}
    return fields


def sources_of(transfer: list[str] | None, prior: str | None, evaluator: str | None) -> list[str] | None:
    """What a search learns from: sources of the store, and the built-in model if it is the prior.

    Raises:
        UserError: the built-in model would be its own prior.
    """
    if prior is None:
        return transfer
    from apollo_dse.question import MODEL

    if evaluator is None:
        raise UserError(f"--prior {prior} is for an --evaluator of your own, but there is none")
    return [*(transfer or []), MODEL]


def engine_of(
    engine: Literal["local", "process", "ray"] | None,
    workers: int | None,
    address: str | None = None,
    chunk: int | None = None,
) -> "Engine":
    """The engine of its options.

    Raises:
        UserError: they do not go together.
    """
    from apollo_dse.evaluators.engine import Engine

    with user_input():
        name = engine or ("ray" if address is not None else "local" if workers is None else "process")
        return Engine(
            name, 1 if workers is None else workers, address=address, chunk=1 if chunk is None else chunk
        )


def shape(text: str, option: str = "--input") -> tuple[int, ...]:
    """`1x3x224x224` as sizes; a bare `x`-free number is a vector.

    Raises:
        UserError: a size is not a positive whole number.
    """
    words = text.lower().split("x")
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in words):
        raise UserError(f"{option} takes positive sizes joined by x, such as 1x3x224x224, but got {text!r}")
    return tuple(int(word) for word in words)


def named_shapes(texts: Sequence[str], option: str = "--input-shape") -> dict[str, tuple[int, ...]]:
    """`name=1x3x224x224` words as a mapping.

    Raises:
        UserError: a word has no name, or a bad shape.
    """
    shapes = {}
    for text in texts:
        name, equals, sizes = text.rpartition("=")
        if not equals or not name:
            raise UserError(f"{option} takes NAME=SIZES, such as image=1x3x224x224, but got {text!r}")
        if name in shapes:
            raise UserError(f"{option} must name each input once, but {name!r} is given twice")
        shapes[name] = shape(sizes, option)
    return shapes


def network(name_or_path: str) -> "Workload":
    """The workload of a name of the zoo or of a file.

    Raises:
        UserError: there is none of that name, or the file is no workload and no ONNX model that can be traced.
    """
    from apollo_dse.recommendation import as_workload

    file = Path(name_or_path.rpartition("@")[0] or name_or_path)
    retrace = f"trace it first: apollo-dse trace --onnx {file} -o {file.stem}.json"
    with priced_network(f"{retrace} --input-shape {{shape}}", f"{retrace} --allow-unpriced"):
        return as_workload(name_or_path)


def point(design_space: "DesignSpace", settings: Sequence[str], preset: str | None) -> "Point":
    """The design that `KEY=VALUE` words describe, over those of a preset where one is named.

    Raises:
        UserError: a word, key or value is wrong, the preset is unknown, or parameters have no value.
    """
    from search_spaces.quantity import nearest_name

    presets = design_space.presets
    if preset is not None and preset not in presets:
        known = ", ".join(presets) or "none"
        rule = f"space {design_space.name!r} has no preset {preset!r}{nearest_name(preset, tuple(presets))}"
        raise UserError(f"{rule} (its presets: {known})")
    chosen = dict(presets[preset]) if preset is not None else {}
    chosen |= values((*design_space.space.parameters, *design_space.optional), settings, "--set")
    missing = [name for name in design_space.space.names if name not in chosen]
    if missing:
        hint = f" (or start from --preset {'|'.join(presets)})" if presets else ""
        raise UserError(f"every parameter needs a value, but these have none: {', '.join(missing)}{hint}")
    return chosen


def values(parameters: "Sequence[SpaceParameter]", settings: Sequence[str], option: str) -> "dict[str, Value]":
    """The values that `KEY=VALUE` words give to parameters.

    Raises:
        UserError: a word, key or value is wrong.
    """
    from search_spaces.quantity import nearest_name

    known = {parameter.name: parameter for parameter in parameters}
    chosen: dict[str, Value] = {}
    for key, text in _assignments(settings, option).items():
        if key not in known:
            names = ", ".join(known)
            raise UserError(f"no parameter {key!r}{nearest_name(key, tuple(known))} (there are {names})")
        with user_input():
            chosen[key] = known[key].parse(text)
    return chosen


def _assignments(settings: Sequence[str], option: str) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for setting in settings:
        key, equals, text = (part.strip() for part in setting.partition("="))
        if not equals or not key or not text:
            raise UserError(f"{option} takes KEY=VALUE, such as pe_x=4, but got {setting!r}")
        if key in chosen:
            raise UserError(f"{option} must name each parameter once, but {key!r} is given twice")
        chosen[key] = text
    return chosen
