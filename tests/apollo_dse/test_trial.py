import math

import numpy as np
import pytest

from apollo_dse.trial import Measurement, Trial


def test_a_measurement_has_metrics_or_a_reason() -> None:
    assert Measurement({"latency_s": 0.5}).is_feasible
    assert not Measurement(infeasible_because="too big").is_feasible


@pytest.mark.parametrize(
    ("metrics", "because", "rule"),
    [
        ({}, None, "but it has neither"),
        ({"latency_s": 1.0}, "too big", "must have no metrics"),
        ({}, " ", "must not be blank"),
        ({"latency_s": math.nan}, None, "'latency_s' is nan"),
        ({"latency_s": math.inf}, None, "'latency_s' is inf"),
        ({"latency_s": "1"}, None, "'latency_s' is '1'"),
        ({"latency_s": True}, None, "'latency_s' is True"),
        ({"latency_s": 10**400}, None, "'latency_s' is 1000"),
    ],
)
def test_anything_else_is_refused(metrics: dict[str, float], because: str | None, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Measurement(metrics, because)


def test_numpy_scalars_are_numbers() -> None:
    assert Measurement({"latency_s": np.float32(0.5), "num_tiles": np.int64(3)}).is_feasible


@pytest.mark.parametrize("amount", [0.0, -1.0, math.inf, math.nan, "1"])
def test_bottlenecks_are_positive_numbers(amount: float) -> None:
    assert Measurement({"latency_s": 0.5}, bottlenecks={"compute": 1.0}).bottlenecks == {"compute": 1.0}
    assert Measurement(infeasible_because="no", bottlenecks={"memory": 2.0}).bottlenecks == {"memory": 2.0}
    with pytest.raises(ValueError, match="bottlenecks must be finite numbers above 0, but 'compute' is"):
        Measurement({"latency_s": 0.5}, bottlenecks={"compute": amount})


def test_trials_count_from_zero() -> None:
    measurement = Measurement({"latency_s": 0.5})
    assert Trial(0, {"x": 1}, measurement) == Trial(0, {"x": 1}, Measurement({"latency_s": 0.5}))
    with pytest.raises(ValueError, match="number >= 0"):
        Trial(-1, {"x": 1}, measurement)
