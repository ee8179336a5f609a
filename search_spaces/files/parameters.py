"""Parameters and rules of one's own, as files spell them out."""

from collections.abc import Callable, Mapping, Sequence

from search_spaces.files.content import at, refuse_unknown, sequence, shown, text, truth
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.quantity import is_number, nearest_name, parse_quantity
from search_spaces.rules import parse_rule
from search_spaces.space import Rule


def discrete(
    like: Parameter, entries: Sequence[object], check: Callable[[str], object] | None = None
) -> Parameter:
    """A parameter of the name and unit of `like` that has just these values.

    Words pass `check`, by default that of `like`, which raises ValueError.

    Raises:
        ValueError: a value is none for such a parameter.
    """
    if isinstance(like, Categorical):
        values, refuse = tuple(text(entry) for entry in entries), check or like.check
        for value in values:
            refuse(value)
        return Categorical(like.name, values)
    return Ordinal(like.name, tuple(number(entry, like) for entry in entries), like.unit)


_KINDS: Mapping[str, tuple[str, ...]] = {
    "ordinal": ("values",),
    "categorical": ("values",),
    "integer": ("low", "high", "log"),
    "real": ("low", "high", "log"),
}


def own_parameter(
    entry: Mapping[str, object], like: Parameter, check: Callable[[str], object] | None = None
) -> Parameter:
    """The parameter that an entry spells out, of the name and unit of `like`; `check` as for `discrete`.

    Raises:
        ValueError: a key or value is wrong, or the kind is none that the template can use.
    """
    kind = text(entry.get("kind", ""))
    if kind not in _KINDS:
        rule = f"`kind` must be one of {', '.join(_KINDS)}"
        raise ValueError(f"{rule}, but got {kind!r}{nearest_name(kind, tuple(_KINDS))}")
    refuse_unknown(entry, ("kind", *_KINDS[kind]))
    for key in _KINDS[kind]:
        if key not in entry and key != "log":
            raise ValueError(f"a parameter of kind {kind!r} must have `{key}`, but it has none")
    if (kind == "categorical") != isinstance(like, Categorical):
        wanted = "categorical" if isinstance(like, Categorical) else "numeric"
        raise ValueError(f"the template needs a {wanted} parameter, but got kind {kind!r}")
    if "values" in _KINDS[kind]:
        return discrete(like, sequence(entry["values"]), check)
    low, high = number(entry["low"], like), number(entry["high"], like)
    logarithmic = truth(entry.get("log", False))
    if kind == "real":
        if is_whole(like):
            raise ValueError(
                f"the template needs whole numbers, but got kind {kind!r}; did you mean 'integer'?"
            )
        return Real(like.name, low, high, logarithmic, like.unit)
    if not (isinstance(low, int) and isinstance(high, int)):
        raise ValueError(
            f"bounds of an integer parameter must be whole numbers, but got low={low}, high={high}"
        )
    return Integer(like.name, low, high, logarithmic, like.unit)


def check_words(names: Sequence[str]) -> None:
    """Pass over names that a user's own parameters may have.

    Raises:
        ValueError: one is none.
    """
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"names of parameters must be words of letters, digits and _, but got {name!r}")


def own_rules(content: Mapping[str, object], parameters: Sequence[Parameter]) -> tuple[Rule, ...]:
    """The rules that a file has under that key.

    Raises:
        ValueError: one is no rule over these parameters.
    """
    with at("rules"):
        return tuple(parse_rule(text(rule), parameters) for rule in sequence(content.get("rules", [])))


def number(content: object, like: Parameter) -> float | int:
    """A number in the unit of `like`, an int where it is whole.

    Raises:
        ValueError: it is none, or not whole where the template counts.
    """
    if isinstance(content, str):
        number = parse_quantity(content, like.unit, like.name)
    elif is_number(content):
        number = int(content) if float(content).is_integer() else content
    else:
        raise ValueError(f"a number is needed, but got {shown(content)}")
    if is_whole(like) and not isinstance(number, int):
        raise ValueError(f"a whole number is needed, but got {number}")
    return number


def is_whole(like: Parameter) -> bool:
    """Whether the template counts in this parameter: it lists whole numbers, none written as a float."""
    return isinstance(like, Ordinal) and all(isinstance(value, int) for value in like.values)
