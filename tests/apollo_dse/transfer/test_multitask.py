"""One process over several tasks: what is written out is BoTorch's model; tasks that agree are found."""

import numpy as np
import pytest
import torch

from apollo_dse.transfer.multitask import (
    LIKELY,
    Agreement,
    Coregionalized,
    Tasks,
    agreement_of,
    fitted,
    model_of,
)

SOME = torch.tensor([0.6, 0.6], dtype=torch.float64)


def tasks(*functions, count=20, seed=0):
    """Trials of functions of two features, one task each."""
    rng = np.random.default_rng(seed)
    features = [torch.from_numpy(rng.random((count, 2))) for _ in functions]
    values = [function(x) for function, x in zip(functions, features, strict=True)]
    numbers = torch.arange(len(functions)).repeat_interleave(count)
    return Tasks(torch.cat(features), numbers, torch.cat(values))


def wave(x):
    return torch.sin(5.0 * x[:, 0]) + x[:, 1]


def other(x):
    return torch.cos(9.0 * x[:, 1]) - x[:, 0]


def test_the_posterior_is_botorchs():
    told = tasks(wave, other, lambda x: 2.0 * wave(x))
    model = model_of(told, SOME)
    model.likelihood.noise = torch.tensor([0.01, 0.1, 0.02], dtype=torch.float64)
    model.mean_module.constant.data.fill_(0.3)
    model.eval()
    x = torch.from_numpy(np.random.default_rng(1).random((7, 2)))
    with torch.no_grad():
        expected = model.posterior(torch.cat([x, torch.zeros(7, 1, dtype=torch.float64)], dim=1))
        mean, variance = Coregionalized(told, agreement_of(model)).posterior(x)
    assert mean.numpy() == pytest.approx(expected.mean[:, 0].numpy(), abs=1e-5)
    assert variance.numpy() == pytest.approx(expected.variance[:, 0].numpy(), abs=1e-5)


def test_a_model_begins_where_it_is_told():
    begun, likely = agreement_of(model_of(tasks(wave, other), SOME[:1])), Agreement.likely(2, 2)
    assert begun.covariance[0, 0] == pytest.approx(1.0)
    assert begun.noise.numpy() == pytest.approx(likely.noise.numpy())
    assert begun.correlations.tolist() == pytest.approx(SOME[:1].tolist(), abs=0.1)
    assert likely.correlations.tolist() == [LIKELY]


def test_a_task_that_agrees_correlates_most():
    same, unlike = fitted(tasks(wave, wave, other), SOME, 40, 0).correlations.tolist()
    assert same > unlike + 0.2


def test_fits_leave_the_stream_of_torch_alone_and_are_alike():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = fitted(tasks(wave, other), SOME[:1], 3, 0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(fitted(tasks(wave, other), SOME[:1], 3, 0).covariance, first.covariance)


def test_what_is_pending_is_believed():
    process = Coregionalized(tasks(wave, other), Agreement.likely(2, 2))
    x = torch.tensor([[0.5, 0.5], [0.9, 0.1]], dtype=torch.float64)
    mean, variance = process.posterior(x)
    after, less = process.believing(x[:1]).posterior(x)
    assert after.numpy() == pytest.approx(mean.numpy(), abs=1e-9)
    assert less[0] < 0.5 * variance[0] or less[0] < 0.01
    assert (less <= variance).all()
