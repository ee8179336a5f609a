"""A recurrent controller that writes designs token by token and is rewarded for good ones.

Zoph and Le, "Neural architecture search with reinforcement learning", ICLR 2017, arXiv 1611.01578.
"""
