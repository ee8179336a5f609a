"""The area of a template, for evaluators that measure none.

A simulator that says nothing of area is searched under a limit on it all the same: area is then what the
template of the space says, known before a trial is spent. Whether a design can be built is left to the
simulator. One that measures area itself is believed, and nothing is known before it has measured.
"""

from collections.abc import Sequence
from dataclasses import replace

from apollo_dse.evaluators import Evaluator, preview_of
from apollo_dse.evaluators.identity import template_of
from apollo_dse.trial import Measurement
from search_spaces.space import DesignSpace, Point

AREA = "area_mm2"


class TemplateArea:
    """An evaluator with the area of the space's template beside its own metrics.

    Args:
        evaluator: who measures the rest; it must not measure area.
        design_space: whose template says the area.
    """

    def __init__(self, evaluator: Evaluator, design_space: DesignSpace) -> None:
        self.evaluator = evaluator
        self.design_space = design_space

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of a feasible measurement."""
        return (*self.evaluator.metrics, AREA)

    @property
    def fingerprint(self) -> str:
        """That of the evaluator, and the template."""
        return f"{self.evaluator.fingerprint} area of {template_of(self.design_space)}"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order."""
        return self._with_area(points, self.evaluator(points))

    def preview(self, points: Sequence[Point]) -> list[Measurement]:
        """Area of each point's design, and what the evaluator itself knows beforehand."""
        if (preview := preview_of(self.evaluator)) is not None:
            return self._with_area(points, preview(points))
        return [Measurement({AREA: self._area_mm2(point)}) for point in points]

    def _with_area(self, points: Sequence[Point], measured: Sequence[Measurement]) -> list[Measurement]:
        return [
            replace(each, metrics={**each.metrics, AREA: self._area_mm2(point)}) if each.is_feasible else each
            for point, each in zip(points, measured, strict=True)
        ]

    def _area_mm2(self, point: Point) -> float:
        return self.design_space.build(point).total_area_mm2


def with_area(evaluator: Evaluator, design_space: DesignSpace) -> Evaluator:
    """The evaluator, with the template's area where it measures none and the space has a template."""
    if AREA in evaluator.metrics or not design_space.has_template:
        return evaluator
    return TemplateArea(evaluator, design_space)
