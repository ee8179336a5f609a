"""Bayesian optimization of mixed discrete spaces with limits and failing designs.

encoding      points -> rows -> features
outcomes      trials -> standardized losses, excesses over the limits, whether a design ran
surrogate     a Gaussian process of one outcome
acquisition   how promising points are, given the processes
candidates    the best point by that measure, searched among the points themselves
trust         where to search when there are many parameters
believer      optimizers that suggest what their belief finds most promising
search        the one that learns from the trials alone: `Bayesian`
"""
