"""The kernel of the GPU against the compiled loops of the CPU, where there is a GPU."""

import numpy as np
import pytest
import torch

from accel_models import Workload, dataflows, zoo
from accel_models.cost import CostModel
from accel_models.pricing import GOALS
from search_spaces.hardware.edge import EDGE

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")


def designs(count, structures):
    """Points of the edge space that share few structures, so that few fronts are enough."""
    points = EDGE.space.sample(np.random.default_rng(0), count)
    axes = ("pe_x", "pe_y", "cores", "lanes")
    return [
        {**point, **{axis: points[i % structures][axis] for axis in axes}} for i, point in enumerate(points)
    ]


@pytest.mark.parametrize("keep_activations", [True, False])
@pytest.mark.parametrize("goal", GOALS)
def test_totals_are_those_of_the_cpu(goal, keep_activations):
    whole = zoo.workload("mobilenet_v2")
    network = Workload(name="part", layers=whole.layers[:9], vector_ops=whole.vector_ops[:5])
    points = designs(3000, 7)
    numbers, pricer = EDGE.columns(points), dataflows.pricer([EDGE.build(points[0])])
    cpu, cuda = (
        CostModel(minimize=goal, keep_activations=keep_activations, span=EDGE.span(), device=device).totals(
            pricer, numbers, network
        )
        for device in ("cpu", "cuda")
    )
    assert cuda.latency_s.device.type == "cuda"
    assert 0.05 < float(cpu.feasible.double().mean()) < 0.95
    assert torch.equal(cpu.feasible, cuda.feasible.cpu())
    for name in ("latency_s", "energy_j", "power_w", "utilization"):
        torch.testing.assert_close(getattr(cuda, name).cpu(), getattr(cpu, name), rtol=1e-9, atol=0.0)


def test_accelerators_are_priced_alike_on_both():
    points = designs(64, 3)
    accelerators, network = [EDGE.build(point) for point in points], zoo.workload("mobilenet_v2")
    cpu, cuda = (
        CostModel(span=EDGE.span(), device=device).evaluate(accelerators, network) for device in ("cpu", "cuda")
    )
    assert cpu.reasons == cuda.reasons
    torch.testing.assert_close(cuda.latency_s.cpu(), cpu.latency_s, rtol=1e-9, atol=0.0)
    torch.testing.assert_close(cuda.itemized.latency_s.cpu(), cpu.itemized.latency_s, rtol=1e-9, atol=0.0)
