"""Strict reading of a file that describes a program: every surprise is a ValueError with rule and evidence."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, get_args

from accel_models.bounded import read_text
from apollo_dse.evaluators.command.description import Description, Infeasibility, Input, InputFormat, Limits
from apollo_dse.evaluators.command.outputs import Output, compiled
from apollo_dse.evaluators.identity import digest_of_file
from apollo_dse.problem import ALIASES, METRICS
from search_spaces.files.content import MAX_BYTES, at, mapping, read, refuse_unknown, sequence, text, truth
from search_spaces.quantity import nearest_name, parse_quantity

HERE = "{here}"
LIMITS = ("timeout_s", "memory_bytes", "retries", "retry_after_s", "keep")
KEYS = ("name", "command", "input", "outputs", "infeasible", "files", "environment", *LIMITS)
_METRIC = re.compile(r"[A-Za-z_]\w*")

T = TypeVar("T")


def load(path: str | Path) -> Description:
    """The program that the file at `path` describes.

    Raises:
        ValueError: the file breaks a rule; the message names file, key, rule and the nearest valid word.
        OSError: it, or a file that it names, cannot be read.
    """
    path = Path(path)
    with at(str(path)):
        return description(read(path), path)


def description(content: Mapping[str, object], path: Path) -> Description:
    """The program that the content of the file at `path` describes.

    Raises:
        ValueError: it breaks a rule.
        OSError: a file that it names cannot be read.
    """
    return _description(content, path.absolute().parent, path.stem)


def _description(content: Mapping[str, object], folder: Path, stem: str) -> Description:
    refuse_unknown(content, KEYS)
    get = partial(_entry, content)
    for key in ("command", "outputs"):
        if key not in content:
            raise ValueError(f"`{key}` must be given, but there is none")
    nothing: tuple[str, ...] = ()
    command = get("command", _command, nothing)
    listed = get("files", _texts, nothing)
    words = (word.removeprefix(f"{HERE}/") for word in command if word.startswith(f"{HERE}/"))
    own = (word for word in words if folder.joinpath(word).is_file())
    with at("files"):
        files = {name: digest_of_file(folder / name) for name in (*own, *listed)}
    return Description(
        name=get("name", text, stem),
        folder=folder,
        command=command,
        outputs=get("outputs", _outputs, ()),
        input=get("input", partial(_input, folder), None),
        infeasible=get("infeasible", lambda entries: tuple(map(_infeasibility, sequence(entries))), ()),
        files=tuple(sorted(files.items())),
        environment=get("environment", _texts, nothing),
        limits=limits(content, folder),
    )


def _entry(content: Mapping[str, object], key: str, read: Callable[[object], T], default: T) -> T:
    with at(key):
        return read(content[key]) if key in content else default


def _texts(content: object) -> tuple[str, ...]:
    return tuple(map(text, sequence(content)))


def _command(content: object) -> tuple[str, ...]:
    if isinstance(content, str):
        raise ValueError(f"a command must be a list of words, which no shell reads, but got {content!r}")
    words = _texts(content)
    if not words or not words[0]:
        raise ValueError("a command must begin with a program, but there is none")
    return words


def _input(folder: Path, content: object) -> Input:
    entry = mapping(content)
    refuse_unknown(entry, ("format", "template", "name"))
    kind = text(entry.get("format", "text" if "template" in entry else ""))
    if kind not in get_args(InputFormat):
        known = get_args(InputFormat)
        raise ValueError(
            f"`format` must be one of {', '.join(known)}, but got {kind!r}{nearest_name(kind, known)}"
        )
    if (kind == "text") != ("template" in entry):
        needs = "needs a `template`" if kind == "text" else "takes no `template`"
        raise ValueError(f"an input of format {kind!r} {needs}")
    template = ""
    if kind == "text":
        with at("template"):
            template = read_text(folder / text(entry["template"]), MAX_BYTES, "a template")
    suffix = Path(text(entry.get("template", ""))).suffix or ".txt"
    name = text(entry.get("name", f"input{suffix if kind == 'text' else f'.{kind}'}"))
    _check_file(name)
    return Input(kind, name, template)  # type: ignore[arg-type]  # one of `InputFormat`, as was checked


def _check_file(name: str) -> None:
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"a file must be named from the run's directory down, but got {name!r}")


def _outputs(content: object) -> tuple[Output, ...]:
    entries = mapping(content)
    if not entries:
        raise ValueError("there must be at least one metric, but there is none")
    found = []
    for metric, entry in entries.items():
        with at(metric):
            found.append(_output(metric, mapping(entry)))
    return tuple(found)


def _output(metric: str, entry: Mapping[str, object]) -> Output:
    refuse_unknown(entry, ("json", "regex", "from", "unit", "scale", "may_be_negative"))
    if metric in ALIASES:
        raise ValueError(f"a metric must have its unit in its name; did you mean {ALIASES[metric]!r}?")
    if not _METRIC.fullmatch(metric):
        raise ValueError(f"a metric must be a word of letters, digits and _, but got {metric!r}")
    if "unit" in entry and "scale" in entry:
        raise ValueError("a metric must have a `unit` or a `scale`, but got both")
    source = text(entry.get("from", "stdout"))
    _check_file(source)
    scale = text(entry.get("scale", "1")) if isinstance(entry.get("scale", "1"), str) else entry["scale"]
    return Output(
        metric=metric,
        json=text(entry["json"]) if "json" in entry else None,
        regex=text(entry["regex"]) if "regex" in entry else None,
        source=source,
        scale=_unit(metric, text(entry["unit"])) if "unit" in entry else _number(scale, "scale"),
        may_be_negative=truth(entry.get("may_be_negative", "false")),
    )


def _unit(metric: str, unit: str) -> float:
    """Factor from a unit to the metric's own."""
    if metric not in METRICS:
        raise ValueError(f"`unit` is for {', '.join(METRICS)}; another metric takes a `scale`")
    scales = METRICS[metric].scales
    if unit not in scales:
        raise ValueError(
            f"`{metric}` must come in {', '.join(scales)}, but got {unit!r}{nearest_name(unit, tuple(scales))}"
        )
    return scales[unit]


def _infeasibility(content: object) -> Infeasibility:
    entry = mapping(content)
    refuse_unknown(entry, ("exit_code", "regex", "from", "reason"))
    if "regex" in entry:
        compiled(text(entry["regex"]))
    source = text(entry.get("from", "stderr"))
    _check_file(source)
    return Infeasibility(
        exit_code=_whole(entry["exit_code"], "exit_code") if "exit_code" in entry else None,
        regex=text(entry["regex"]) if "regex" in entry else None,
        source=source,
        reason=text(entry["reason"]) if "reason" in entry else None,
    )


def limits(content: Mapping[str, object], folder: Path) -> Limits:
    """How patiently a program is run, by the keys `LIMITS` of a file in `folder`.

    Raises:
        ValueError: one is no number, or out of its range.
    """
    given: dict[str, Any] = {
        key: _number(content[key], key) for key in ("timeout_s", "retry_after_s") if key in content
    }
    given |= {key: _whole(content[key], key) for key in ("memory_bytes", "retries") if key in content}
    if "keep" in content:
        given["keep"] = folder / text(content["keep"])
    return Limits(**given)


def _number(content: object, name: str) -> float:
    return parse_quantity(str(content), "bytes" if name.endswith("_bytes") else "", name)


def _whole(content: object, name: str) -> int:
    number = _number(content, name)
    if not isinstance(number, int):
        raise ValueError(f"`{name}` must be a whole number, but got {number}")
    return number
