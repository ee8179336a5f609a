"""The contracts of engines: where points are measured changes nothing in what is measured.

Each contract takes what puts an engine around an evaluator, and raises `AssertionError` when the engine breaks
it. Those of `ISOLATING` hold for engines that have evaluators of Python in other processes. Simulators are made
up (`apollo_dse.testing.simulators`); they write down what they do, so that nothing is measured unseen.

Example:
    In the tests of a package that brings its own engine:

        @pytest.mark.parametrize("contract", [*CONTRACTS, *ISOLATING])
        def test_contract(contract):
            {**CONTRACTS, **ISOLATING}[contract](lambda evaluator, workers, chunk: Mine(evaluator, workers))
"""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from apollo_dse.evaluators import Evaluator, Flowing, Streaming
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.problem import Objective, Problem
from apollo_dse.study import Study
from apollo_dse.testing.simulators import (
    BABBLES,
    CRASHES,
    EXITS,
    FORKS,
    HANGS,
    INFINITE,
    MUTE,
    NAN,
    NEGATIVE,
    SPACE,
    TIMEOUT_S,
    Clerk,
    measured,
    points,
    program,
    written,
)
from apollo_dse.trial import Measurement, Trial
from search_spaces.space import Point


class Around(Protocol):
    """An engine: what makes an evaluator whose points are measured there."""

    def __call__(self, evaluator: Evaluator, workers: int = 1, chunk: int = 1) -> Evaluator:
        """The evaluator, asked by so many workers, so many points a time; a local engine may have fewer."""


Contract = Callable[[Around], None]


def _folder() -> "TemporaryDirectory[str]":
    return TemporaryDirectory(prefix="engine-", ignore_cleanup_errors=True)


def _trials(evaluator: Evaluator, count: int = 24) -> tuple[Trial, ...]:
    problem = Problem(space=SPACE, objectives=(Objective("loss"),), evaluate=evaluator)
    study = Study(problem, Evolution(problem, seed=1), batch=8)
    assert study.run(count) == "finished"
    return study.trials


def measures_the_same_trials(around: Around) -> None:
    """A study has the trials of one without an engine, whatever the number of workers and of points a call."""
    with _folder() as name:
        folder = Path(name)
        wanted = _trials(Clerk(folder))
        for workers, chunk in ((3, 1), (2, 3)):
            assert _trials(around(Clerk(folder), workers, chunk)) == wanted, (
                f"{workers} workers, {chunk} a call"
            )


def keeps_the_order(around: Around) -> None:
    """Measurements come in the order of their points, though every other one takes four times as long."""
    with _folder() as name:
        for workers, chunk in ((3, 1), (2, 2)):
            evaluator = around(program(Path(name), pause_s=0.05), workers, chunk)
            assert list(evaluator(points(*range(6)))) == measured(*range(6)), (
                "an answer stands at another's place"
            )


def measures_nothing_twice(around: Around) -> None:
    """Every point is begun once and ends once."""
    with _folder() as name:
        around(program(Path(name)), 3, 2)(points(*range(8)))
        assert sorted(written(Path(name))) == sorted(
            f"{word} {x}" for word in ("begun", "ended") for x in range(8)
        )


def says_how_a_program_failed(around: Around) -> None:
    """Each way to go wrong is one failed run with its reason; no other point suffers, and nothing escapes."""
    reasons = {
        EXITS: "exit code 1, but exit code 0 is success, and stderr ends in 'no licence'",
        CRASHES: "killed by SIGSEGV",
        BABBLES: "`loss` must be a number",
        NAN: "`loss` must be finite",
        INFINITE: "`loss` must be finite",
        NEGATIVE: "`loss` must not be negative",
        MUTE: "`loss` must be in stdout",
        HANGS: f"it ran for more than {TIMEOUT_S:g} s",
    }
    with _folder() as name:
        asked = [x for pair in zip(reasons, range(len(reasons)), strict=True) for x in pair] + [FORKS]
        said = dict(zip(asked, around(program(Path(name)), 3)(points(*asked)), strict=True))
        for x, reason in reasons.items():
            assert said[x].has_failed, f"point {x} must fail, but it is {said[x]}"
            assert reason in str(said[x].infeasible_because), f"{reason!r} must be said, but got {said[x]}"
        fine = [x for x in asked if x not in reasons]
        assert [said[x] for x in fine] == measured(*fine), "a fault must cost one measurement only"
        time.sleep(1.2)
        assert f"escaped {FORKS}" not in written(Path(name)), "what a run forks must end with it"


def finishes_what_it_began_when_stopped(around: Around) -> None:
    """Stopped, it begins no other point, and answers for all that were begun, the first ones of its points."""
    with _folder() as name:
        evaluator = around(program(Path(name), pause_s=0.05), 3)
        assert isinstance(evaluator, Streaming)
        found: list[Measurement] = []
        for each in evaluator.stream(points(*range(40)), lambda: len(found) >= 4):
            found.append(each)
        assert 4 <= len(found) < 12, f"few of 40 points must be begun, but {len(found)} were"
        assert found == measured(*range(len(found)))
        ends = [line for line in written(Path(name)) if line.startswith("ended")]
        assert len(written(Path(name))) == 2 * len(ends) == 2 * len(found), (
            "what was begun must be answered for"
        )


def breaks_off_when_closed(around: Around) -> None:
    """Closed, it ends what is running, soon, and what had come is not lost."""
    with _folder() as name:
        evaluator = around(program(Path(name), timeout_s=3 * TIMEOUT_S), 2)
        assert isinstance(evaluator, Streaming)
        stream = evaluator.stream(points(1, HANGS, 3), lambda: False)
        assert next(stream) == measured(1)[0]
        start = time.monotonic()
        stream.close()
        assert time.monotonic() - start < 2 * TIMEOUT_S, "a run that is broken off must not be waited for"
        time.sleep(0.2)
        before = written(Path(name))
        time.sleep(0.5)
        assert written(Path(name)) == before, "nothing must go on"


def gives_a_point_to_whoever_is_free(around: Around) -> None:
    """Points are drawn one by one, each only when a worker is free; none is lost, none comes twice."""
    with _folder() as name:
        evaluator = around(program(Path(name), pause_s=0.05), 3)
        assert isinstance(evaluator, Flowing)
        drawn: list[int] = []
        answered: list[int] = []

        def source() -> Iterator[Point]:
            for x in range(8):
                drawn.append(x)
                assert len(drawn) - len(answered) <= 3, "no point may be drawn that no worker is free for"
                yield {"x": x}

        for point, each in evaluator.flow(source(), lambda: False):
            answered.append(int(point["x"]))
            assert each == measured(answered[-1])[0], "a measurement must come with its own point"
        assert sorted(answered) == drawn == list(range(8)), f"each point must come once, but got {answered}"


def a_lost_process_is_one_failed_run(around: Around) -> None:
    """A process that dies costs one measurement, of several a call too; it is retried as often as set."""
    with _folder() as name:
        many = around(Clerk(Path(name), {2: "dies"}), 1, 3)(points(1, 2, 3))
        assert many[1].has_failed
        assert [many[0], many[2]] == measured(1, 3), "a loss must cost one measurement, not those of its call"
        once, left, fine = around(Clerk(Path(name), {10: "dies once", 11: "leaves"}), 2)(points(10, 11, 12))
        assert once.has_failed, "a run must not be repeated in silence"
        assert left.has_failed
        assert fine == measured(12)[0]
        again, never = around(Clerk(Path(name), {20: "dies once", 21: "dies"}, retries=1))(points(20, 21))
        assert again == measured(20)[0], "a run must be repeated as often as set"
        assert never.has_failed
        assert written(Path(name)).count("begun 21") == 2, "a run must be repeated no more often than set"


def a_hang_ends_at_its_timeout(around: Around) -> None:
    """A point that never ends is a failed run after its time, and is not tried again."""
    with _folder() as name:
        said = around(Clerk(Path(name), {2: "hangs"}, timeout_s=1.0, retries=3), 2)(points(1, 2, 3))
        assert said == [*measured(1), Measurement.failed("it ran for more than 1 s"), *measured(3)]
        assert written(Path(name)).count("begun 2") == 1, "a run that takes too long must not be repeated"


def raises_what_the_evaluator_raises(around: Around) -> None:
    """An evaluator that raises, or answers with no measurement, is misuse; what came before is not lost."""
    with _folder() as name:
        for chunk, fault, words in ((1, "raises", "x is what it must"), (2, "babbles", "must be measurements")):
            evaluator = around(Clerk(Path(name), {3: fault}), 2, chunk)
            assert isinstance(evaluator, Streaming)
            stream = evaluator.stream(points(1, 2, 3, 4), lambda: False)
            assert list(islice(stream, 2)) == measured(1, 2)
            _refused(lambda stream=stream: next(stream), words)  # type: ignore[misc]


def refuses_what_cannot_travel(around: Around) -> None:
    """An evaluator that does not survive pickling is refused before anything is measured."""

    class Local(Clerk):
        pass

    with _folder() as name:
        words = "must survive pickling to be had in another process, but Local does not"
        _refused(lambda: around(Local(Path(name))), words)


def _refused(misuse: Callable[[], object], words: str) -> None:
    said = "nothing"
    try:
        misuse()
    except ValueError as error:
        said = str(error)
    assert words in said, f"{words!r} must be raised, but {said!r} was"


CONTRACTS: Mapping[str, Contract] = {
    contract.__name__: contract
    for contract in (
        measures_the_same_trials,
        keeps_the_order,
        measures_nothing_twice,
        says_how_a_program_failed,
        finishes_what_it_began_when_stopped,
        breaks_off_when_closed,
        gives_a_point_to_whoever_is_free,
    )
}
"""What every engine keeps."""

ISOLATING: Mapping[str, Contract] = {
    contract.__name__: contract
    for contract in (
        a_lost_process_is_one_failed_run,
        a_hang_ends_at_its_timeout,
        raises_what_the_evaluator_raises,
        refuses_what_cannot_travel,
    )
}
"""What every engine keeps that has evaluators of Python in other processes."""
