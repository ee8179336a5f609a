"""Measurements kept on disk, so that a point is priced once for all optimizers, seeds and budgets.

The key is the evaluator's fingerprint, the source of the packages that price, and the point: a changed cost
model never meets old measurements. The file `measurements.sqlite` lies beside that of the mappings; one that
cannot be used costs only the time to price again.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from time import process_time

import accel_models
import search_spaces
from accel_models.mapspace.cache import folder
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from apollo_dse.evaluators.memory import Memory
from apollo_dse.evaluators.wrapping import Wrapping
from apollo_dse.problem import Problem
from apollo_dse.trial import Measurement
from search_spaces.space import Point, canonical

FILE = "measurements.sqlite"


def source_of(*files: Path) -> bytes:
    """Digest of Python files, in their order."""
    digest = sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.digest()


@lru_cache(maxsize=1)
def pricing_source() -> bytes:
    """Digest of all that a price follows from: the source of the cost models and of the spaces."""
    roots = [Path(package.__path__[0]) for package in (accel_models, search_spaces)]
    return source_of(*(file for root in roots for file in sorted(root.rglob("*.py"))))


class Remembered(Wrapping[AnalyticalEvaluator]):
    """An evaluator that asks another one only for points that nobody asked before.

    A design that cannot be built is not priced: its reason is that of the preview, and does not go on with
    which layers would not have run either.

    Args:
        evaluator: who prices.
        path: the file; by default one for all in the cache folder.

    Attributes:
        seconds: processor time of this process spent on pricing and on the file.
    """

    def __init__(self, evaluator: AnalyticalEvaluator, path: Path | None = None) -> None:
        super().__init__(evaluator)
        self.seconds = 0.0
        world = sha256(pricing_source() + evaluator.fingerprint.encode()).digest()
        self._memory = Memory(world, path or folder() / FILE)
        self._known: dict[str, Measurement] = {}

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order."""
        start = process_time()
        texts = dict(zip(map(canonical, points), points, strict=True))
        missing = [text for text in texts if text not in self._known]
        self._known |= self._memory.read(missing)
        new = {text: texts[text] for text in missing if text not in self._known}
        if new:
            priced = dict(zip(new, self._price(list(new.values())), strict=True))
            self._known |= priced
            self._memory.write(priced)
        self.seconds += process_time() - start
        return [self._known[canonical(point)] for point in points]

    def _price(self, points: Sequence[Point]) -> list[Measurement]:
        found = self.evaluator.preview(points)
        rows = [row for row, measurement in enumerate(found) if measurement.is_feasible]
        for row, measurement in zip(rows, self.evaluator([points[row] for row in rows]), strict=True):
            found[row] = measurement
        return found


def remembered(problem: Problem) -> Problem:
    """The problem with a memory.

    Raises:
        TypeError: its evaluator is not the built-in one.
    """
    if not isinstance(problem.evaluate, AnalyticalEvaluator):
        raise TypeError(f"only the built-in evaluator is remembered, but got {type(problem.evaluate).__name__}")
    return replace(problem, evaluate=Remembered(problem.evaluate))
