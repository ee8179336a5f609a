"""Trace the zoo's networks and write their workloads: ``python -m accel_models.zoo.build``."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

import torch

from accel_models.trace import trace
from accel_models.workload import Workload
from accel_models.workload_io import save
from accel_models.zoo import DATA, NETWORKS
from accel_models.zoo.networks import Definition


def definition(name: str) -> Callable[[], Definition]:
    """The function that builds a network of the registry, and its example inputs.

    Raises:
        KeyError: no network has that name.
    """
    module = import_module(f"accel_models.zoo.networks.{NETWORKS[name].family}")
    return cast("Callable[[], Definition]", getattr(module, name))


def retrace(name: str) -> Workload:
    """The workload of a network, traced now; no weights are made.

    Raises:
        KeyError: no network has that name.
        accel_models.trace.TraceError: the tracer cannot price it.
    """
    with torch.device("meta"):
        module, example_inputs = definition(name)()
    return trace(module, example_inputs, name=name)


def main() -> None:
    """Write every workload of the registry to the package's data."""
    for name in NETWORKS:
        save(retrace(name), DATA / f"{name}.json")


if __name__ == "__main__":
    main()
