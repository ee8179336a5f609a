"""What tests need that are not ours only: made-up problems, and the contracts that anyone's parts must keep.

Optimizers keep those of `apollo_dse.testing.optimizers`, evaluators those of `apollo_dse.testing.evaluators`,
engines those of `apollo_dse.testing.engines`. Each has `CONTRACTS`, by name, for a test to run over.
"""

from apollo_dse.testing.problems import ACCELERATORS, accelerator_cost, accelerators, bowl, evaluator

__all__ = ["ACCELERATORS", "accelerator_cost", "accelerators", "bowl", "evaluator"]
