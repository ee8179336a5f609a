"""Model-based optimization as in P3BO and Apollo: tuned regressors, kept when they predict, asked as one.

Angermueller et al., "Population-Based Black-Box Optimization for Biological Sequence Design", ICML 2020, arXiv
2006.03227; Apollo, arXiv 2102.01723. Regressors of several families get random hyper-parameters; those that
explain enough in cross-validation are an ensemble (`regressors`), and evolution searches for the points of
which it promises most (`search`).
"""
