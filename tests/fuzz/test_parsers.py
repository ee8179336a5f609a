"""Any bytes become a record, or the reader's own refusal with a sentence: never another exception."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.parsers import PARSERS, run

EXAMPLES = 150
WORDS = (
    b"\x00",
    b"\xff",
    b"{",
    b"[",
    b"]",
    b"}",
    b"'",
    b'"',
    b"&a ",
    b"*a",
    b"<<: ",
    b"- ",
    b": ",
    b"\n",
    b"1e999",
)
WORDS += (
    b"-1",
    b"0",
    b"9" * 30,
    b"nan",
    b"null",
    b"true",
    b"!!python/none",
    b"!!int ",
    b"2020-02-30",
    b"**",
    b"/",
)


def mutated(seed: bytes, number: int) -> bytes:
    """Bytes some edits away from a seed: parts dropped, doubled, swapped, and words put in."""
    rng, data = random.Random(number), bytearray(seed)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 1, 2, 8, 40)))
        match rng.randrange(4):
            case 0:
                del data[at:end]
            case 1:
                data[at:at] = data[at:end]
            case 2:
                data[at:end] = rng.choice(WORDS)
            case _:
                data[at:at] = rng.choice(WORDS) * rng.choice((1, 1, 1, 3))
    return bytes(data)


@pytest.mark.parametrize("name", PARSERS)
def test_the_seed_is_read(name, tmp_path):
    assert run(name, PARSERS[name].seed(), tmp_path) or name == "store", (
        "of a store made in Python little is kept"
    )


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**32), noise=st.binary(max_size=60), share=st.integers(0, 9))
def test_any_bytes_are_read_or_refused(name, number, noise, share):
    data = mutated(PARSERS[name].seed(), number) if share else noise
    with TemporaryDirectory() as folder:
        run(name, data, Path(folder))
