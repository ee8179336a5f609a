"""Bayesian optimization of mixed discrete spaces with limits and failing designs.

encoding      points -> rows -> features
surrogate     a Gaussian process of one outcome
acquisition   how promising points are, given the processes
candidates    the best point by that measure, searched among the points themselves
trust         where to search when there are many parameters
search        the optimizer: `Bayesian`
"""
