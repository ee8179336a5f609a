"""The contracts of engines, run over all there are; Ray is started for real where it is installed."""

from importlib.util import find_spec

import pytest

from apollo_dse.evaluators.engine import Engine
from apollo_dse.testing.engines import CONTRACTS, ISOLATING

RAY = pytest.param(
    "ray",
    marks=[pytest.mark.slow, pytest.mark.skipif(find_spec("ray") is None, reason="needs the package ray")],
)
CPUS = 3
"""Of the Ray cluster that is started: as many as the most workers that a contract asks for."""


def around(name):
    """What puts the engine of a name around an evaluator."""
    if name == "ray":
        import ray

        if not ray.is_initialized():
            ray.init(address="local", num_cpus=CPUS, include_dashboard=False, log_to_driver=False)

    def put(evaluator, workers=1, chunk=1):
        return Engine(name, 1 if name == "local" else workers, chunk=chunk).around(evaluator)

    return put


@pytest.fixture(scope="module", autouse=True)
def _ray_ends():
    yield
    if find_spec("ray") is not None:
        import ray

        ray.shutdown()


@pytest.mark.parametrize("name", ["local", "process", RAY])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_engine_keeps_its_contract(name, contract):
    CONTRACTS[contract](around(name))


@pytest.mark.parametrize("name", ["process", RAY])
@pytest.mark.parametrize("contract", ISOLATING)
def test_engines_that_isolate_keep_theirs(name, contract):
    ISOLATING[contract](around(name))
