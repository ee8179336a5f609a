"""What evaluators have in common that ask another one: they measure the same thing."""

from typing import Generic, TypeVar

from apollo_dse.evaluators import Evaluator

Asked = TypeVar("Asked", bound=Evaluator)


class Wrapping(Generic[Asked]):
    """Has the metrics and the fingerprint of the evaluator that it asks.

    Args:
        evaluator: who measures.
    """

    def __init__(self, evaluator: Asked) -> None:
        self.evaluator = evaluator

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of a feasible measurement."""
        return self.evaluator.metrics

    @property
    def fingerprint(self) -> str:
        """That of the evaluator who measures."""
        return self.evaluator.fingerprint
