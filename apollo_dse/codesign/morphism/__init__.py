"""Networks that become larger and compute the same as before, one function a transformation.

    wider            channels replicated (Net2Wider), or new ones that nothing hears yet
    deeper           a layer that is the identity (Net2Deeper), behind an activation or with one of its own
    parted           a convolution as the product of two (network morphism)
    larger_kernel    zeros around a filter
    with_skip        a way around a part, of weight zero
    branched         a layer in branches, added or concatenated (path-level transformation)

Every function returns a new network in evaluation mode, leaves the given one as it is, and raises
`MorphismError` where it does not apply.
"""

from apollo_dse.codesign.morphism.activation import ParametricActivation
from apollo_dse.codesign.morphism.channels import Channels, channels
from apollo_dse.codesign.morphism.depth import deeper, parted
from apollo_dse.codesign.morphism.kernel import larger_kernel
from apollo_dse.codesign.morphism.paths import branched
from apollo_dse.codesign.morphism.skip import with_skip
from apollo_dse.codesign.morphism.surgery import MorphismError
from apollo_dse.codesign.morphism.width import wider

__all__ = [
    "Channels",
    "MorphismError",
    "ParametricActivation",
    "branched",
    "channels",
    "deeper",
    "larger_kernel",
    "parted",
    "wider",
    "with_skip",
]
