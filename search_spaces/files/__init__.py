"""A user's own space, from YAML or TOML.

Either a registered space with some lists replaced, some parameters pinned, and rules:

    base: edge
    values: {pe_memory_bytes: [512KiB, 1MiB], clock_mhz: [500, 1000]}
    pin: {cores: 4}
    rules: ["pe_x * pe_y <= 64"]

or the template of one, with parameters of one's own (kinds: ordinal, integer, real, categorical):

    template: edge
    parameters:
      pe_x: {kind: integer, low: 1, high: 32, log: true}
      pe_memory_bytes: {kind: ordinal, values: [512KiB, 768KiB]}
      ...

or levels of memory of one's own, whose numbers are given or names of parameters (docs/hierarchy.md):

    template: hierarchy
    levels:
      - {name: dram, axes: [{name: pe, size: pes, unrolls: [k, p]}]}
      - {name: buffer, capacity_bytes: 64KiB}
    parameters:
      pes: {kind: ordinal, values: [4, 16]}

or parameters that no template knows, for an evaluator of one's own (docs/evaluators.md); those whose names end
in `_bytes` may be written as sizes:

    template: none
    parameters:
      ways: {kind: ordinal, values: [1, 2, 4, 8]}
      policy: {kind: categorical, values: [lru, random]}

All may have `name`, `rules`, `reference` and `notes`. Units are those of the template's parameters, and what
the template lists in whole numbers (PEs, bytes) takes whole numbers only. Files are read strictly: an unknown
key, a key given twice, an alias or an oversized list is refused, and so is a space whose designs the template
refuses to build.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from search_spaces.files.content import SUFFIXES, at, mapping, read, refuse_unknown, sequence, text
from search_spaces.files.hierarchy import HIERARCHY, described_space
from search_spaces.files.parameters import check_words, discrete, own_parameter, own_rules
from search_spaces.parameter import Categorical, Parameter, Real
from search_spaces.quantity import nearest_name
from search_spaces.registry import names, registered
from search_spaces.space import DesignSpace, SearchSpace, no_template

__all__ = ["SUFFIXES", "load"]

TRIAL_BUILDS = 16
"""Random designs of a file that are built while it is loaded, so that a wrong value is found at once."""

NO_TEMPLATE = "none"
"""What stands for the template of a space whose points only an evaluator of one's own knows."""

_SHARED_KEYS = ("name", "rules", "reference", "notes")
_BASE_KEYS = ("base", "values", "pin", *_SHARED_KEYS)
_TEMPLATE_KEYS = ("template", "parameters", *_SHARED_KEYS)


def load(path: str | Path) -> DesignSpace:
    """The space that the file at `path` describes.

    Raises:
        ValueError: the file breaks a rule; the message names file, key, rule and the nearest valid word.
        OSError: it cannot be read.
    """
    path = Path(path)
    with at(str(path)):
        space = _design_space(read(path), path.stem)
        for point in space.space.sample(np.random.default_rng(0), TRIAL_BUILDS if space.has_template else 1):
            if space.has_template:
                space.build(point)
        return space


def _design_space(content: Mapping[str, object], stem: str) -> DesignSpace:
    heads = [key for key in ("base", "template") if key in content]
    if len(heads) != 1:
        raise ValueError(
            f"a space must have either `base` or `template`, but it has {' and '.join(heads) or 'neither'}"
        )
    if content.get("template") == HIERARCHY:
        return described_space(content, stem)
    if content.get("template") == NO_TEMPLATE:
        return _space_without_template(content, stem)
    own_parameters = "template" in content
    with at(heads[0]):
        base = _named(text(content[heads[0]]), (HIERARCHY, NO_TEMPLATE) if own_parameters else ())
    refuse_unknown(content, _TEMPLATE_KEYS if own_parameters else _BASE_KEYS)
    if own_parameters:
        with at("parameters"):
            parameters = _own_parameters(mapping(content.get("parameters", {})), base)
    else:
        parameters = _changed_parameters(content, base)
    return replace(
        base,
        name=text(content.get("name", stem)),
        space=SearchSpace(parameters, (*base.space.rules, *own_rules(content, parameters))),
        reference=text(content.get("reference", base.reference)),
        notes=text(content.get("notes", base.notes)),
        presets={} if own_parameters else base.presets,
    )


def _space_without_template(content: Mapping[str, object], stem: str) -> DesignSpace:
    refuse_unknown(content, _TEMPLATE_KEYS)
    with at("parameters"):
        entries = mapping(content.get("parameters", {}))
        check_words(tuple(entries))
        parameters = []
        for name, entry in entries.items():
            with at(name):
                own = mapping(entry)
                unit = "bytes" if name.endswith("_bytes") else ""
                words = own.get("kind") == "categorical"
                like = Categorical(name, (name,)) if words else Real(name, 0, 1, unit=unit)
                parameters.append(own_parameter(own, like, lambda word: None))
    return DesignSpace(
        name=text(content.get("name", stem)),
        space=SearchSpace(tuple(parameters), own_rules(content, parameters)),
        build=no_template,
        reference=text(content.get("reference", "parameters that the user listed")),
        notes=text(content.get("notes", "")),
    )


def _named(name: str, also: tuple[str, ...]) -> DesignSpace:
    """The registered space of that name; `also` are names that are none of a space but would be understood."""
    known = (*names(), *also)
    if name not in known:
        raise ValueError(
            f"a space must be one of {', '.join(known)}, but got {name!r}{nearest_name(name, known)}"
        )
    return registered(name)


def _changed_parameters(content: Mapping[str, object], base: DesignSpace) -> tuple[Parameter, ...]:
    """Parameters of `base` with the file's `values` and `pin`, optional ones appended when they are named."""
    known = {parameter.name: parameter for parameter in (*base.space.parameters, *base.optional)}
    changed: dict[str, Parameter] = {}
    for key in ("values", "pin"):
        with at(key):
            entries = mapping(content.get(key, {}))
            refuse_unknown(entries, tuple(known))
            for name, entry in entries.items():
                with at(name):
                    if name in changed:
                        raise ValueError("a parameter must be given values or pinned, but got both")
                    changed[name] = discrete(known[name], [entry] if key == "pin" else sequence(entry))
    kept = (changed.get(parameter.name, parameter) for parameter in base.space.parameters)
    opened = (changed[parameter.name] for parameter in base.optional if parameter.name in changed)
    return (*kept, *opened)


def _own_parameters(entries: Mapping[str, object], base: DesignSpace) -> tuple[Parameter, ...]:
    """The parameters that a file spells out, every one that the template needs among them."""
    known = {parameter.name: parameter for parameter in (*base.space.parameters, *base.optional)}
    refuse_unknown(entries, tuple(known))
    missing = [name for name in base.space.names if name not in entries]
    if missing:
        raise ValueError(f"every parameter of the template must be given, but {', '.join(missing)} are missing")
    parameters = []
    for name, entry in entries.items():
        with at(name):
            parameters.append(own_parameter(mapping(entry), known[name]))
    return tuple(parameters)
