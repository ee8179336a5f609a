import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.parameter import MAX_INTEGER, Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.quantity import format_quantity, parse_quantity

UNITS = st.sampled_from(["", "bytes", "GB/s", "entries", "MHz"])
UNIT_INTERVAL = st.floats(0, 1)
FINITE = st.floats(-1e12, 1e12)
WORDS = st.text(min_size=1, max_size=8).filter(lambda word: word == word.strip())


@st.composite
def reals(draw: st.DrawFn) -> Real:
    is_log = draw(st.booleans())
    low = draw(st.floats(1e-9, 1e9) if is_log else FINITE)
    return Real("x", low, low + draw(st.floats(1e-3, 10)) * max(abs(low), 1.0), is_log, draw(UNITS))


@st.composite
def integers(draw: st.DrawFn) -> Integer:
    is_log = draw(st.booleans())
    low = draw(st.integers(1 if is_log else -MAX_INTEGER, MAX_INTEGER))
    return Integer("x", low, draw(st.integers(low, MAX_INTEGER)), is_log, draw(UNITS))


@st.composite
def ordinals(draw: st.DrawFn) -> Ordinal:
    numbers = st.integers(-(10**9), 10**9) | FINITE
    return Ordinal("x", tuple(sorted(draw(st.sets(numbers, min_size=1, max_size=9)))), draw(UNITS))


@st.composite
def categoricals(draw: st.DrawFn) -> Categorical:
    return Categorical("x", tuple(draw(st.lists(WORDS, min_size=1, max_size=9, unique=True))))


DISCRETE = integers() | ordinals() | categoricals()
PARAMETERS = DISCRETE | reals()


@given(DISCRETE, UNIT_INTERVAL)
def test_discrete_values_survive_the_unit_interval(parameter: Parameter, u: float) -> None:
    value = parameter.from_unit(u)
    assert parameter.contains(value)
    assert 0 < parameter.to_unit(value) < 1
    assert parameter.from_unit(parameter.to_unit(value)) == value


@given(reals(), UNIT_INTERVAL)
def test_real_values_survive_the_unit_interval(parameter: Real, u: float) -> None:
    value = parameter.from_unit(u)
    assert parameter.contains(value)
    scale = max(abs(parameter.low), abs(parameter.high))
    assert math.isclose(
        parameter.from_unit(parameter.to_unit(value)), value, rel_tol=1e-9, abs_tol=1e-9 * scale
    )


@given(PARAMETERS)
def test_the_ends_of_the_unit_interval_are_the_ends_of_the_values(parameter: Parameter) -> None:
    low, high = parameter.from_unit(0.0), parameter.from_unit(1.0)
    if isinstance(parameter, Real | Integer):
        assert (low, high) == pytest.approx((parameter.low, parameter.high), rel=1e-12)
    else:
        assert (low, high) == (parameter.values[0], parameter.values[-1])


@given(integers() | ordinals() | reals(), UNIT_INTERVAL, UNIT_INTERVAL)
def test_numbers_rise_with_the_unit_interval(parameter: Integer | Ordinal | Real, u: float, v: float) -> None:
    assert parameter.from_unit(min(u, v)) <= parameter.from_unit(max(u, v))


@given(PARAMETERS, UNIT_INTERVAL)
def test_format_and_parse_are_inverse(parameter: Parameter, u: float) -> None:
    value = parameter.from_unit(u)
    assert parameter.parse(parameter.format(value)) == value


@given(
    PARAMETERS, st.text() | st.from_regex(r"[+-]?[0-9.]{1,6}(e[0-9]{1,4})? ?([kKMGT]i?)?[bB]?", fullmatch=True)
)
def test_parse_gives_a_value_of_the_parameter_or_a_value_error(parameter: Parameter, text: str) -> None:
    try:
        value = parameter.parse(text)
    except ValueError:
        return
    assert parameter.contains(value)


@given(
    PARAMETERS,
    st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.integers(), st.lists(st.integers())),
)
def test_a_violation_is_what_to_unit_raises(parameter: Parameter, value: object) -> None:
    violation = parameter.violation(value)
    assert parameter.contains(value) == (violation is None)
    if violation is None:
        assert 0 <= parameter.to_unit(value) <= 1  # type: ignore[arg-type]
    else:
        with pytest.raises(ValueError, match="must be"):
            parameter.to_unit(value)  # type: ignore[arg-type]


def test_uniform_draws_give_every_value_its_share() -> None:
    """Six sigma of a binomial with p = 1/4 and 4000 draws: false alarm about once in 1e8 runs."""
    draws = np.random.default_rng(0).random(4000)
    for parameter in (Ordinal("x", (1, 2, 40, 41)), Categorical("x", ("a", "b", "c", "d")), Integer("x", 3, 6)):
        values = [parameter.from_unit(u) for u in draws]
        shares = [values.count(value) / len(values) for value in set(values)]
        assert len(shares) == 4
        assert shares == pytest.approx([0.25] * 4, abs=6 * math.sqrt(0.25 * 0.75 / 4000))


def test_log_gives_equal_ratios_equal_room() -> None:
    assert Real("x", 1, 10_000, log=True).from_unit(0.5) == pytest.approx(100)
    draws = [Integer("x", 1, 1000, log=True).from_unit(u) for u in np.linspace(0, 1, 1001)]
    assert np.median(draws) == pytest.approx(math.sqrt(0.5 * 1000.5), rel=0.05)


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [
        ("64KiB", 65536),
        ("2 MiB", 2 * 2**20),
        ("65536", 65536),
        ("1.5KiB", 1536),
        ("64kb", 64000),
        ("7 bytes", 7),
    ],
)
def test_sizes_have_suffixes(text: str, bytes_: int) -> None:
    assert parse_quantity(text, "bytes", "x") == bytes_


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (65536, "bytes", "64 KiB"),
        (3 * 2**20, "bytes", "3 MiB"),
        (1000, "bytes", "1000 bytes"),
        (0, "bytes", "0 bytes"),
        (20, "GB/s", "20 GB/s"),
        (5.0, "", "5"),
        (0.1, "", "0.1"),
        ("7nm", "", "7nm"),
    ],
)
def test_quantities_are_written_for_people(value: float | str, unit: str, text: str) -> None:
    assert format_quantity(value, unit) == text


@pytest.mark.parametrize("text", ["64 KiB", "20 GB", "inf", "nan", "1e999", "", "12 12", "--1", "1.2.3"])
def test_a_foreign_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"`x` must be a number of GB/s, but got"):
        parse_quantity(text, "GB/s", "x")


def test_messages_have_rule_evidence_and_the_nearest_value() -> None:
    memory = Ordinal("memory_bytes", (65536, 131072), "bytes")
    assert memory.violation(100_000) == (
        "`memory_bytes` must be one of 64 KiB, 128 KiB, but got 100000 bytes; the nearest is 128 KiB"
    )
    assert (
        Integer("n", 1, 9).violation(2.6)
        == "`n` must be a whole number from 1 to 9, but got 2.6; the nearest is 3"
    )
    assert Real("f", 1, 9, unit="MHz").violation(10) == (
        "`f` must be from 1 MHz to 9 MHz, but got 10 MHz; the nearest is 9 MHz"
    )
    assert Categorical("t", ("7nm", "16nm")).violation("7mn") == (
        "`t` must be one of 7nm, 16nm, but got '7mn'; did you mean '7nm'?"
    )
    assert Real("f", 1, 9).violation("3") == "`f` must be a finite number, but got '3'"


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Real("a b", 0, 1), "must be an identifier"),
        (lambda: Real("if", 0, 1), "must be an identifier"),
        (lambda: Real("x", 1, 1), "low < high"),
        (lambda: Real("x", 0, math.inf), "finite number"),
        (lambda: Real("x", -1e308, 1e308), "low < high"),
        (lambda: Real("x", 0, 1, log=True), "must be positive"),
        (lambda: Integer("x", 2, 1), "low <= high"),
        (lambda: Integer("x", 0, 2**41), "low <= high"),
        (lambda: Integer("x", 0.5, 2), "whole numbers"),  # type: ignore[arg-type]
        (lambda: Ordinal("x", ()), "at least one value"),
        (lambda: Ordinal("x", (1, 1)), "strictly rise"),
        (lambda: Ordinal("x", (math.nan,)), "finite number"),
        (lambda: Ordinal("x", (True,)), "finite number"),
        (lambda: Categorical("x", ()), "at least one value"),
        (lambda: Categorical("x", ("a", "a")), "must not repeat"),
        (lambda: Categorical("x", (" a",)), "blanks"),
        (lambda: Categorical("x", (7,)), "must be words"),  # type: ignore[arg-type]
    ],
)
def test_wrong_parameters_are_refused(make: object, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("u", [-0.001, 1.001, math.nan])
def test_coordinates_outside_the_unit_interval_are_refused(u: float) -> None:
    for parameter in (Real("x", 0, 1), Integer("x", 0, 1), Ordinal("x", (0, 1)), Categorical("x", ("a", "b"))):
        with pytest.raises(ValueError, match="0 <= u <= 1"):
            parameter.from_unit(u)


def test_numpy_scalars_are_numbers() -> None:
    assert Ordinal("x", (1, 2)).contains(np.int64(2))
    assert Real("x", 0, 1).contains(np.float32(0.5))
    assert not Ordinal("x", (0, 1)).contains(True)


def test_cardinality_counts_values() -> None:
    assert Integer("x", 3, 7).cardinality == 5
    assert Ordinal("x", (1, 5)).cardinality == 2
    assert Categorical("x", ("a",)).cardinality == 1
    assert Real("x", 0, 1).cardinality is None
    assert replace(Integer("x", 3, 7), high=3).cardinality == 1
