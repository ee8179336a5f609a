"""The zoo's networks as plain torch modules, written from their papers; one file a family.

Every network is a function without arguments that returns the module and its example inputs. Built under
`torch.device("meta")` it takes no memory, which is how `accel_models.zoo.build` traces it.
"""

from torch import Tensor, nn

Definition = tuple[nn.Module, tuple[Tensor, ...]]
