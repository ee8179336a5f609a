"""How good networks are: evaluators over the points of a `NetworkSpace`, by kind.

A feasible measurement has the metric `accuracy`, a share between 0 and 1, and whatever else the kind knows.
That of a zero-cost proxy has the proxy's own. A network of which nothing is known is a measurement with that
reason. Importing this package loads no torch.
"""

from apollo_dse.evaluators import Evaluator
from apollo_dse.registry import Registry
from search_spaces import NetworkSpace

ACCURACY_STD = "accuracy_std"
"""Metric: standard deviation of a predicted accuracy, or of that of trainings from one seed to another."""

KINDS = Registry(
    kind="accuracy",
    group="apollo_dse.accuracies",
    ours={
        "table": "apollo_dse.codesign.accuracy.table:Table",
        "surrogate": "apollo_dse.codesign.accuracy.surrogate:Surrogate",
        "supernet": "apollo_dse.codesign.accuracy.supernet:Supernet",
        "training": "apollo_dse.codesign.accuracy.training:Training",
        "proxy": "apollo_dse.codesign.accuracy.proxies:ProxyScore",
    },
)


def accuracy(reference: str, network_space: NetworkSpace) -> Evaluator:
    """The evaluator that a reference `KIND` or `KIND:ARGUMENT` names, such as `table:nb201.csv`.

    Classes of the registry are made of the space and the argument, which may be empty.

    Raises:
        ValueError: there is no such kind (the message has the nearest), or the argument is wrong.
        OSError: a file cannot be read.
    """
    kind, _, argument = reference.partition(":")
    evaluator: Evaluator = KINDS.get(kind.strip()).of(network_space, argument.strip())
    return evaluator
