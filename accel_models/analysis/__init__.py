"""Exact reference counts of one mapping, and the latency, energy and capacity that follow from them."""
