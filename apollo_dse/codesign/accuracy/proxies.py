"""Scores of untrained networks that are meant to rank them as their accuracies would, for the price of a batch.

Each is a pure function of a module and one batch (`Proxy`), larger for networks that are expected to be better:

    params      weights
    macs        multiply-accumulates of one image
    grad_norm   length of each layer's gradient, summed (Abdelfattah et al., "Zero-cost proxies for lightweight
                NAS", ICLR 2021, arXiv 2101.08134)
    snip        sum of |gradient x weight| (Lee et al., ICLR 2019, arXiv 1810.02340)
    synflow     sum of gradient x weight, of a network with positive weights and without norms, on an image of
                ones (Tanaka et al., NeurIPS 2020, arXiv 2006.05467), as log(1 + score)
    jacob_cov   how little the gradients of the scores by the image resemble each other from image to image
                (Mellor et al., "Neural architecture search without training", arXiv 2006.04647v1)
    naswot      how little images resemble each other in which rectifiers are open: log determinant of the
                matrix of agreements (the same, ICML 2021)
    zen         how far features move with the image, plus the logarithms of the norms' deviations (Lin et al.,
                "Zen-NAS", ICCV 2021, arXiv 2102.01063); residuals stay

How well they rank is measured by `benchmarks/proxies.py`. Modules are left as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from math import isfinite, nan
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from apollo_dse.codesign.accuracy.fitting import DEFAULT, module_for
from apollo_dse.codesign.datasets import Dataset, load
from apollo_dse.codesign.training import ONE_THREAD, Compute, tensors
from apollo_dse.trial import Measurement
from search_spaces import NetworkSpace, Point
from search_spaces.quantity import nearest_name

Proxy = Callable[[nn.Module, Tensor, Tensor], float]
"""Of a module, images [n, channels, rows, columns] and labels [n]; not finite where the network is dead."""

JITTER = 1e-5
"""Added to eigenvalues in `jacob_cov`."""

MOVED = 0.01
"""Of `zen`: how far images move, in deviations."""


def params(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Number of weights."""
    return float(sum(weight.numel() for weight in module.parameters()))


def macs(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Multiply-accumulates of one image."""
    from accel_models.trace import trace

    return float(trace(module, images[:1]).macs)


def grad_norm(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Length of the gradient of each layer, summed."""
    weights = _learned(module, images, labels)
    return sum(float(weight.grad.norm()) for weight in weights if weight.grad is not None)


def snip(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Sum of |gradient x weight| over all layers."""
    weights = _learned(module, images, labels)
    return sum(
        float((weight.grad * weight.detach()).abs().sum()) for weight in weights if weight.grad is not None
    )


def synflow(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """How much flows through a network of positive weights, as log(1 + flow)."""
    linear = _without_norms(deepcopy(module)).double().eval()
    with torch.no_grad():
        for weight in linear.parameters():
            weight.abs_()
    ones = torch.ones_like(images[:1], dtype=torch.double)
    linear(ones).sum().backward()
    flow = sum((weight.grad * weight).sum() for weight in _weights(linear) if weight.grad is not None)
    return float(torch.log1p(torch.as_tensor(flow).detach()))


def jacob_cov(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Minus the divergence of the correlations of n Jacobians from those of independent ones."""
    network, moving = deepcopy(module).train(), images.clone().requires_grad_()
    (jacobian,) = torch.autograd.grad(network(moving).sum(), moving, allow_unused=True)
    if jacobian is None:
        return nan
    correlations = torch.corrcoef(jacobian.flatten(1).double())  # n n
    if not bool(torch.isfinite(correlations).all()):
        return nan
    values = torch.linalg.eigvalsh(correlations) + JITTER
    return -float((values.log() + 1 / values).sum())


def naswot(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Log determinant of the number of rectifiers that pairs of n images agree on."""
    network, agreements = deepcopy(module).train(), torch.zeros(len(images), len(images), dtype=torch.double)

    def note(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> None:
        open_ = (output.detach().flatten(1) > 0).double()  # n units
        agreements.add_((open_ @ open_.T + (1 - open_) @ (1 - open_.T)).cpu())

    for each in network.modules():
        if isinstance(each, nn.ReLU):
            each.register_forward_hook(note)
    with torch.no_grad():
        network(images)
    return float(torch.linalg.slogdet(agreements).logabsdet)


def zen(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """How far the last features move with a Gaussian image, and what norms divide by on the way."""
    network = deepcopy(module).train()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for weight in _weights(network):
            nn.init.normal_(weight)
        still, away = torch.randn(images.shape), MOVED * torch.randn(images.shape)
        still, away = still.to(images.device), away.to(images.device)
        features, deviations = _features(network, still)
        moved, _ = _features(network, still + away)
    gap = (features - moved).abs().flatten(1).sum(1).mean()
    return float(gap.log() + sum(deviation.log() for deviation in deviations))


PROXIES: Mapping[str, Proxy] = {
    each.__name__: each for each in (params, macs, grad_norm, snip, synflow, jacob_cov, naswot, zen)
}
"""By the names of their metrics."""


def _weights(module: nn.Module) -> list[Tensor]:
    """Weights of the layers: convolutions and products, without biases and norms."""
    return [each.weight for each in module.modules() if isinstance(each, nn.Conv2d | nn.Linear)]


def _learned(module: nn.Module, images: Tensor, labels: Tensor) -> list[Tensor]:
    """Weights of a copy with the gradients of the cross-entropy."""
    network = deepcopy(module).train()
    cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
    return _weights(network)


def _without_norms(module: nn.Module) -> nn.Module:
    """The module with identities in place of its batch norms."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.Identity())
        else:
            _without_norms(child)
    return module


def _features(module: nn.Module, images: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What reaches the last pooling, and the deviation that each norm divides by."""
    found: list[Tensor] = []
    deviations: list[Tensor] = []

    def pooled(_: nn.Module, inputs: tuple[Tensor, ...], __: Tensor) -> None:
        found.append(inputs[0])

    def normed(_: nn.Module, inputs: tuple[Tensor, ...], __: Tensor) -> None:
        deviations.append(inputs[0].var((0, 2, 3)).mean().sqrt())

    hooks = [
        each.register_forward_hook(pooled if isinstance(each, nn.AdaptiveAvgPool2d) else normed)
        for each in module.modules()
        if isinstance(each, nn.AdaptiveAvgPool2d | nn.BatchNorm2d)
    ]
    module(images)
    for hook in hooks:
        hook.remove()
    return found[-1], deviations


class ProxyScore:
    """The score of each network of a space by one proxy, which is the name of its metric.

    Args:
        network_space: where the networks come from; those of NAS-Bench-201 are made to fit the dataset.
        proxy: one of `PROXIES`.
        dataset: whose first training images are the batch.
        batch: how many.
        seed: of the weights.
        compute: device and threads.

    Raises:
        ValueError: there is no such proxy; or networks do not compute, or read other inputs.
    """

    def __init__(
        self,
        network_space: NetworkSpace,
        proxy: str,
        dataset: Dataset,
        *,
        batch: int = 32,
        seed: int = 0,
        compute: Compute = ONE_THREAD,
    ) -> None:
        if proxy not in PROXIES:
            names = tuple(PROXIES)
            rule = f"a proxy must be one of {', '.join(names)}"
            raise ValueError(f"{rule}, but got {proxy!r}{nearest_name(proxy, names)}")
        self.network_space = network_space
        self.proxy = proxy
        self.dataset = dataset
        self.batch = batch
        self.seed = seed
        self.compute = compute
        self._module = module_for(network_space, dataset)

    @classmethod
    def of(cls, network_space: NetworkSpace, argument: str) -> Self:
        """The scores of a text `PROXY` or `PROXY:DATASET`, on the digits if no dataset is named.

        Raises:
            ValueError: as in the constructor, or there is no such dataset.
        """
        proxy, _, dataset = argument.partition(":")
        return cls(network_space, proxy, load(dataset or DEFAULT))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The proxy's name."""
        return (self.proxy,)

    @property
    def fingerprint(self) -> str:
        """The proxy, the networks, the batch."""
        on = f"{self.network_space.name} {self.dataset.name}@{self.dataset.digest}"
        return f"{self.proxy} {on} batch={self.batch} seed={self.seed}"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a network, in order; of a network through which nothing flows why it has none.

        Raises:
            ValueError: a point does not lie in the space.
        """
        images, labels = tensors(self.dataset.train[: self.batch], self.compute.device)
        with self.compute.limited():
            return [self._measured(point, images, labels) for point in points]

    def _measured(self, point: Point, images: Tensor, labels: Tensor) -> Measurement:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            module = self._module(point).to(images.device)
        found = PROXIES[self.proxy](module, images, labels)
        if isfinite(found):
            return Measurement({self.proxy: found})
        return Measurement(infeasible_because=f"a score must be finite, but {self.proxy} is {found}")
