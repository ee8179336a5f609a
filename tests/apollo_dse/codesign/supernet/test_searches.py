"""DARTS, NASP and ENAS, each by its own law, and all of them by what a kill must not change."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.supernet.costs import CELLS, CostTable, HardwareLoss
from apollo_dse.codesign.supernet.darts import Darts, first_order, second_order
from apollo_dse.codesign.supernet.enas import Controlled, Enas
from apollo_dse.codesign.supernet.nasp import START, Nasp
from apollo_dse.codesign.supernet.network import EDGES, SuperNetwork, path_of
from apollo_dse.codesign.supernet.relaxed import (
    Found,
    Moments,
    Relaxed,
    cell_of,
    number_of,
    one_hot,
    project,
    validation_batch,
)
from apollo_dse.codesign.training import Schedule, Step, tensors, train
from search_spaces.networks.nas_bench_201 import CHOICES, DIGITS


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def step_of(digits, done=1.0, seed=0, size=32):
    images, labels = (each[:size] for each in tensors(digits.train, "cpu"))
    return Step(images, labels, done, np.random.default_rng(seed))


def table_of(latencies):
    """One design, on which every edge with a choice takes so many seconds."""
    steps = torch.tensor([latencies] * 6, dtype=torch.double)[None]
    return CostTable(
        ({},),
        dict.fromkeys(("latency_s", "energy_j"), torch.ones(1).double()),
        {"latency_s": steps, "energy_j": steps},
        torch.ones(1).double(),
    )


def test_the_second_order_is_that_of_autograd():
    """Losses that mix weights and choices; the finite difference is exact to its square."""
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(4, generator=generator, dtype=torch.double, requires_grad=True)]
    choices = [torch.randn(3, generator=generator, dtype=torch.double, requires_grad=True)]
    mix = torch.randn(3, 4, generator=generator, dtype=torch.double)

    def training(w=weights, a=choices):
        return (torch.tanh(mix.T @ a[0]) * w[0]).square().sum() + (w[0].exp()).sum()

    def validation(w=weights, a=choices):
        return ((mix @ w[0]).sigmoid() * a[0]).sum() + w[0].pow(4).sum() + (a[0] ** 3).sum()

    rate, before = 0.05, weights[0].detach().clone()
    (slope,) = torch.autograd.grad(training(), weights, create_graph=True)
    exact = torch.autograd.grad(validation([weights[0] - rate * slope]), choices)[0]
    found = second_order(training, validation, weights, choices, rate)[0]
    torch.testing.assert_close(found, exact, rtol=1e-4, atol=1e-5)
    assert torch.equal(weights[0], before)
    plain = first_order(validation, choices)[0]
    assert (plain - exact).abs().max() > 100 * (found - exact).abs().max()


def test_moments_are_adam_s():
    values = [torch.tensor([1.0, -2.0]), torch.tensor([[3.0]])]
    ours = [value.clone() for value in values]
    theirs = [value.clone().requires_grad_() for value in values]
    adam, moments = torch.optim.Adam(theirs, lr=0.1, betas=(0.5, 0.999)), Moments(ours)
    for number in range(5):
        gradients = [torch.cos(number + value) for value in values]
        for value, gradient in zip(theirs, gradients, strict=True):
            value.grad = gradient.clone()
        adam.step()
        moments.descend(ours, gradients, 0.1)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other.detach())


@pytest.mark.parametrize("second", [False, True])
def test_darts_moves_choices_down_the_validation_loss(digits, second):
    module, step = Relaxed(SuperNetwork(DIGITS)).train(), step_of(digits)
    before = {name: value.clone() for name, value in module.named_parameters()}
    Darts(digits, rate=0.1, second=second)(module, step)
    assert bool((module.choices != 0).all())
    assert all(torch.equal(value, before[name]) for name, value in module.named_parameters())
    assert all(weight.grad is not None for weight in module.parameters())


def test_darts_keeps_its_choices_until_it_is_warm(digits):
    module = Relaxed(SuperNetwork(DIGITS)).train()
    Darts(digits, warmup=0.5)(module, step_of(digits, done=0.4))
    assert bool((module.choices == 0).all())


def test_hardware_turns_darts_to_what_is_cheap(digits):
    """With costs that outweigh the images the cheapest choice has the largest number, and so has the design."""
    table = CostTable(
        ({}, {}),
        {name: torch.tensor([2.0, 1.0]).double() for name in ("latency_s", "energy_j")},
        dict.fromkeys(
            ("latency_s", "energy_j"), torch.tensor([4.0, 3.0, 0.0, 1.0, 2.0]).double().expand(2, 6, 5)
        ),
        torch.ones(2).double(),
    )
    module = Relaxed(SuperNetwork(DIGITS), designs=2).train()
    search = Darts(digits, HardwareLoss(table, weight=1000.0), rate=0.1)
    search(module, step_of(digits))
    assert module.chosen() == Found(dict.fromkeys(EDGES, CHOICES[2]), 1)


def test_nasp_takes_its_gradient_at_the_one_hot_choice(digits):
    module = Relaxed(SuperNetwork(DIGITS), start=START).train()
    module.choices.copy_(torch.rand(6, 5, generator=torch.Generator().manual_seed(0)))
    before, search = module.choices.clone(), Nasp(digits, rate=0.01, warmup=0.0, explore=0.0)
    chosen = module.chosen(search.hardware)
    assert chosen.point == cell_of(module.choices.argmax(1).tolist())
    step = step_of(digits, seed=4)
    images, labels = validation_batch(digits, 32, np.random.default_rng(4), "cpu")
    at = one_hot(chosen, 1)[0].requires_grad_()
    probe = SuperNetwork(DIGITS).train()
    paths = {edge: dict(zip(CHOICES, row, strict=True)) for edge, row in zip(EDGES, at, strict=True)}
    loss = cross_entropy(probe(images, paths), labels)
    torch.testing.assert_close(loss, cross_entropy(probe(images, path_of(chosen.point)), labels))
    (gradient,) = torch.autograd.grad(loss, at)
    search(module, step)
    moved = module.choices - before
    expected = -0.01 * gradient.sign()  # Adam's first step
    expected[:, 0] = 0.0  # of "none", which changes nothing at zero weight
    inside = (before + expected).clamp(0, 1) - before
    torch.testing.assert_close(moved, inside, rtol=1e-2, atol=1e-4)
    run = {name for name, weight in module.network.named_parameters() if weight.grad is not None}
    again = module.chosen(search.hardware).point
    for edge, choice in again.items():
        if choice.startswith("nor_conv"):
            assert any(f".{edge}.{choice}." in name for name in run)
    for name in run:
        if ".edges." in name:
            edge, choice = name.split(".edges.")[1].split(".")[:2]
            assert again[edge] == choice


def test_nasp_s_numbers_stay_between_0_and_1_and_its_cells_within_the_limits(digits):
    hardware = HardwareLoss(table_of([0.0, 0.1, 1.0, 3.0, 0.5]), limits={"latency_s": 5.0})
    module = Relaxed(SuperNetwork(DIGITS), start=START).train()
    search = Nasp(digits, hardware, rate=0.4, warmup=0.0)
    for seed in range(4):
        search(module, step_of(digits, seed=seed))
        assert float(module.choices.min()) >= 0.0
        assert float(module.choices.max()) <= 1.0
        found = module.chosen(search.hardware)
        latency = hardware.table.expected(*one_hot(found, 1))["latency_s"]
        assert float(latency) <= 5.0
    assert {float(module.choices.min()), float(module.choices.max())} == {0.0, 1.0}


def test_projections_are_the_best_that_is_allowed():
    choices = torch.rand(6, 5, generator=torch.Generator().manual_seed(2))
    designs = torch.tensor([0.2, 0.9])
    free = project(choices, designs)
    assert free == Found(cell_of(choices.argmax(1).tolist()), 1)
    allowed = torch.zeros(2, len(CELLS), dtype=torch.bool)
    allowed[0, [17, 4000, 12000]] = True
    sums = {cell: float(choices[torch.arange(6), CELLS[cell]].sum()) for cell in (17, 4000, 12000)}
    assert project(choices, designs, allowed) == Found(cell_of(CELLS[max(sums, key=sums.get)].tolist()), 0)
    with pytest.raises(ValueError, match="none keeps them"):
        project(choices, designs, torch.zeros_like(allowed))


def test_cells_have_the_numbers_of_their_places():
    for number in (0, 1, 777, 15_624):
        assert number_of(cell_of(CELLS[number].tolist())) == number


def test_what_darts_ends_in_hears_its_input_and_keeps_limits():
    hardware = HardwareLoss(table_of([0.0, 1.0, 1.0, 3.0, 0.5]), limits={"latency_s": 3.0})
    module = Relaxed(SuperNetwork(DIGITS))
    module.choices[:, 0] = 1.0  # no operation is the likeliest everywhere
    module.choices[3] = torch.tensor([0.0, 0.1, 0.2, 0.9, 0.3])
    assert module.chosen().point == {**dict.fromkeys(EDGES, "none"), "edge03": "nor_conv_3x3"}
    assert module.chosen(hardware).point == {**dict.fromkeys(EDGES, "none"), "edge03": "avg_pool_3x3"}


def test_enas_learns_what_is_rewarded(digits):
    """Where costs outweigh the images, the controller comes to write the cheapest choice."""
    hardware = HardwareLoss(table_of([30.0, 0.0, 30.0, 30.0, 30.0]), "latency_s", weight=3.0)
    module = Controlled(SuperNetwork(DIGITS)).train()
    search = Enas(digits, hardware, rate=0.02, samples=8, warmup=0.0)

    def share(rng):
        cells, _ = module.drawn(200, rng)
        return np.mean([choice == CHOICES[1] for found in cells for choice in found.point.values()])

    before = share(np.random.default_rng(0))
    for seed in range(40):
        search(module, step_of(digits, seed=seed, size=2))
    assert before < 0.3
    assert share(np.random.default_rng(0)) > before + 0.25
    best = search.best(module, 4, np.random.default_rng(1))
    assert best.point.keys() == dict.fromkeys(EDGES).keys()


def test_enas_s_gradient_is_that_of_the_expected_reward():
    """The mean of advantage x score over many draws, against the sum over all choices of a place."""
    module = Controlled(SuperNetwork(DIGITS), designs=3)
    values = torch.tensor([0.0, 1.0, -2.0])  # of the designs

    def by_biases(loss):
        return torch.autograd.grad(loss, module.controller.biases)[0][-1, :3]

    _, tokens = module.drawn(20_000, np.random.default_rng(0))
    logs, _ = module.log_probabilities(tokens)
    estimated = by_biases(((values[tokens[:, -1]] - 0.3) * logs).mean())
    chances = module.controller(tokens[:2000])[:, -1, :3].exp()
    exact = by_biases((chances @ values).mean())
    torch.testing.assert_close(estimated, exact, atol=0.03, rtol=0)


SEARCHES = {
    "darts": (lambda: Relaxed(SuperNetwork(DIGITS)), Darts),
    "nasp": (lambda: Relaxed(SuperNetwork(DIGITS), start=START), lambda data: Nasp(data, warmup=0.0)),
    "enas": (lambda: Controlled(SuperNetwork(DIGITS)), lambda data: Enas(data, warmup=0.0, samples=2)),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_kill_changes_nothing(digits, tmp_path, name):
    class Killed(Exception):
        pass

    def kill(progress):
        raise Killed

    make, search = SEARCHES[name]
    schedule, checkpoint = Schedule(epochs=2, batch=450), tmp_path / "search.pt"
    with pytest.raises(Killed):
        train(make(), digits, schedule, backward=search(digits), checkpoint=checkpoint, report=kill)
    resumed = train(make(), digits, schedule, backward=search(digits), checkpoint=checkpoint).state_dict()
    straight = train(make(), digits, schedule, backward=search(digits)).state_dict()
    assert resumed.keys() == straight.keys()
    for key, value in resumed.items():
        torch.testing.assert_close(value, straight[key], rtol=0, atol=0, equal_nan=True)
