"""Model-based optimization as in P3BO and Apollo: tuned regressors, kept when they predict, asked as one.

Angermueller et al., "Population-based black-box optimization for biological sequence design", ICML 2020, arXiv
2006.03227; Apollo, arXiv 2102.01723. Regressors of several families get random hyper-parameters; those that
explain enough in cross-validation are an ensemble (`regressors`), and evolution searches for the points of which
it promises most (`search`).
"""
