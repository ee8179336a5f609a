"""Where a tensor comes from, known by its storage: views share it, so they cost nothing and hide nothing."""

from enum import Enum, auto

import torch
from torch.multiprocessing.reductions import StorageWeakRef


class Origin(Enum):
    """What wrote a storage last."""

    CONSTANT = auto()  # a parameter, a buffer, or computed from these alone
    ACTIVATION = auto()  # depends on the inputs
    LAYER = auto()  # so, and comes straight from a multiply-accumulate layer
    FUSED = auto()  # so, and comes from an operation fused with a layer


class Origins:
    """The origin of every storage seen; one never seen is an activation."""

    def __init__(self) -> None:
        self._by_storage: dict[StorageWeakRef, Origin] = {}

    def __getitem__(self, tensor: torch.Tensor) -> Origin:
        storage = _storage(tensor)
        return Origin.ACTIVATION if storage is None else self._by_storage.get(storage, Origin.ACTIVATION)

    def __setitem__(self, tensor: torch.Tensor, origin: Origin) -> None:
        storage = _storage(tensor)
        if storage is not None:
            self._by_storage[storage] = origin

    def __contains__(self, tensor: torch.Tensor) -> bool:
        storage = _storage(tensor)
        return storage is None or storage in self._by_storage

    def is_activation(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor depends on the inputs."""
        return self[tensor] is not Origin.CONSTANT


def _storage(tensor: torch.Tensor) -> StorageWeakRef | None:
    """Identity of a tensor's storage; None for layouts without one (sparse)."""
    try:
        return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
    except (NotImplementedError, RuntimeError):
        return None
