"""Which accelerator should we build, and how few evaluations does it take to know?

    from apollo_dse import recommend

    print(recommend("mobilenet_v2", constraints=["area<=20mm2"]).summary())

Importing this package loads no torch; what is named here is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apollo_dse.recommendation import Recommendation, recommend

__all__ = ["Recommendation", "recommend"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("apollo_dse.recommendation"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
