"""The world that answers for designs and networks chosen together: costs and accuracy.

What the design of a point costs on its network is priced by the built-in model, mappings solved inside; how
good the network is, an evaluator of networks says (`apollo_dse.codesign.accuracy`).
"""

from collections.abc import Sequence

from apollo_dse.codesign.networks import design_of, network_of
from apollo_dse.evaluators import Evaluator
from apollo_dse.evaluators.analytical import AnalyticalEvaluator, Minimize
from apollo_dse.trial import Measurement
from search_spaces import DesignSpace, NetworkSpace, Point, canonical


class JointEvaluator:
    """Costs of designs on networks, and how good the networks are.

    A network is only rated if one of the designs that it is asked for with can run it: ratings may be dear.

    Args:
        design_space: what the design of a point means.
        network_space: what its network means.
        accuracy: rates networks.
        minimize: what the mapping of each layer is chosen for.
        steady: whether to price the steady state too.

    Raises:
        ValueError: the evaluator of networks has a metric that the cost model has.
    """

    def __init__(
        self,
        design_space: DesignSpace,
        network_space: NetworkSpace,
        accuracy: Evaluator,
        *,
        minimize: Minimize = "latency",
        steady: bool = False,
    ) -> None:
        self.design_space = design_space
        self.network_space = network_space
        self.accuracy = accuracy
        usual = network_space.build(network_space.usual)
        self._costs = AnalyticalEvaluator(design_space, [usual], minimize=minimize, steady=steady)
        if shared := set(self._costs.metrics) & set(accuracy.metrics):
            raise ValueError(f"ratings of networks must not be named as costs, but got {sorted(shared)}")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Costs, then ratings of the network."""
        return (*self._costs.metrics, *self.accuracy.metrics)

    @property
    def fingerprint(self) -> str:
        """Of the cost model on the usual network, of the networks, and of who rates them."""
        build = self.network_space.build
        networks = f"{self.network_space.name}@{build.__module__}.{build.__qualname__}"
        return f"{self._costs.fingerprint} networks {networks} rated by {self.accuracy.fingerprint}"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order.

        Raises:
            ValueError: a template or a space of networks does not know a parameter or a value of a point.
        """
        networks = [network_of(point, self.network_space) for point in points]
        groups: dict[str, list[int]] = {}
        for row, network in enumerate(networks):
            groups.setdefault(canonical(network), []).append(row)
        costs: dict[int, Measurement] = {}
        for rows in groups.values():
            evaluator = self._costs.on([self.network_space.build(networks[rows[0]])])
            designs = [design_of(points[row], self.network_space) for row in rows]
            costs |= dict(zip(rows, evaluator(designs), strict=True))
        asked = [rows for rows in groups.values() if any(costs[row].is_feasible for row in rows)]
        ratings = self.accuracy([networks[rows[0]] for rows in asked])
        rated = {row: rating for rows, rating in zip(asked, ratings, strict=True) for row in rows}
        return [
            _merged(costs[row], rated[row]) if costs[row].is_feasible else costs[row]
            for row in range(len(points))
        ]

    def preview(self, points: Sequence[Point]) -> list[Measurement]:
        """Area of each point's design, or why it cannot be built; nothing is priced or rated.

        Raises:
            ValueError: as in a call.
        """
        return self._costs.preview([design_of(point, self.network_space) for point in points])


def _merged(cost: Measurement, rating: Measurement) -> Measurement:
    """What is known of a design that runs its network; infeasible if nothing is known of the network."""
    if not rating.is_feasible:
        return Measurement(infeasible_because=rating.infeasible_because)
    return Measurement({**cost.metrics, **rating.metrics}, bottlenecks=cost.bottlenecks)
