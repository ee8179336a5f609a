"""The exact optimum of a problem over a discrete space, with a certificate: the judge of every optimizer.

    found = oracle.solve(question.problem())
    found.best, found.gap, found.pruned

Every point of the space is either measured, or lies in a box that a bound or a limit excludes as a whole.
"""

from apollo_dse.oracle.optimum import MOST_ENUMERATED, Optimum, Progress, solve
from apollo_dse.oracle.ranking import Found

__all__ = ["MOST_ENUMERATED", "Found", "Optimum", "Progress", "solve"]
