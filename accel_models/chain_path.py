"""The shortest path through the states of a chain of layers, compiled."""

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def shortest_path(values: Any, repeats: Any, counts: Any, least: Any) -> None:
    """Write the shortest path of every design: executions by state, and their total.

    A state is 2 x inputs on chip + outputs on chip; edges before, inside and behind a layer are on chip (1) or
    off (0). Of equal paths the one with edges off chip is taken, from the last layer on.

    Args:
        values: what an execution in each state adds, [n, layer, state].
        repeats: of each layer, [layer].
        counts: zeros [n, layer, state].
        least: [n].
    """
    num_layers = values.shape[1]
    before, inside = np.empty((num_layers, 2), np.int64), np.empty((num_layers, 2, 2), np.int64)
    total, behind = np.empty(2), np.empty(2)
    for b in range(len(values)):
        total[0], total[1] = 0.0, np.inf
        for i in range(num_layers):
            value, times = values[b, i], repeats[i]
            for outputs in range(2):
                behind[outputs], before[i, outputs] = np.inf, 0
                for inputs in range(2):
                    cost, inside[i, inputs, outputs] = value[2 * inputs + outputs], 0
                    if times > 1:
                        cost = np.inf
                        for edge in range(2):
                            through = value[2 * inputs + edge] + value[2 * edge + outputs]
                            if times > 2:
                                through += (times - 2) * value[3 * edge]
                            if through < cost:
                                cost, inside[i, inputs, outputs] = through, edge
                    if total[inputs] + cost < behind[outputs]:
                        behind[outputs], before[i, outputs] = total[inputs] + cost, inputs
            total[0], total[1] = behind[0], behind[1]
        least[b] = total[0]
        if not total[0] < np.inf:
            counts[b, :, 0] = repeats
            continue
        outputs = 0
        for i in range(num_layers - 1, -1, -1):
            inputs = before[i, outputs]
            edge = inside[i, inputs, outputs]
            if repeats[i] > 1:
                counts[b, i, 2 * inputs + edge] += 1
                counts[b, i, 3 * edge] += repeats[i] - 2
                counts[b, i, 2 * edge + outputs] += 1
            else:
                counts[b, i, 2 * inputs + outputs] += 1
            outputs = inputs
