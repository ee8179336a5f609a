"""One network that has the weights of all networks of a space, here of NAS-Bench-201's cells.

network.py    the supernet: every edge has every operation; which of them run is said with each call
sampling.py   which run in a step of its training
learning.py   the step, and the training
scoring.py    how good a subnet is, with batch norms that are its own
costs.py      what cells cost on designs, as sums with slopes
relaxed.py    choices as numbers; darts.py and nasp.py move them by gradients
enas.py       a controller that writes cells
"""
