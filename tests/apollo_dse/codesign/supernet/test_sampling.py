"""Laws of the samplers: uniform paths, nodes that lose all inputs at the rate, sandwiches with both ends."""

from collections import Counter

import numpy as np
import pytest

from apollo_dse.codesign.supernet.network import EDGES, OPERATIONS, path_of
from apollo_dse.codesign.supernet.sampling import (
    ARRIVING,
    LARGEST,
    SMALLEST,
    PathDropout,
    Sandwich,
    SinglePath,
)
from search_spaces.networks.nas_bench_201 import CHOICES, build_nas_bench_201

DRAWS = 4000


def test_single_paths_are_uniform_and_single():
    rng = np.random.default_rng(0)
    drawn = [paths for _ in range(DRAWS) for paths in SinglePath()(rng, 0.5)]
    assert len(drawn) == DRAWS
    for edge in EDGES:
        counts = Counter(choice for paths in drawn for choice in paths[edge])
        assert sum(counts.values()) == DRAWS
        expected, deviation = DRAWS / 5, (DRAWS * 0.2 * 0.8) ** 0.5
        assert set(counts) == set(CHOICES)
        assert max(abs(count - expected) for count in counts.values()) < 4 * deviation


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_every_node_loses_all_of_its_inputs_at_the_rate(rate):
    rng = np.random.default_rng(1)
    drawn = [PathDropout(rate)(rng, 1.0)[0] for _ in range(DRAWS)]
    for edges in ARRIVING.values():
        lost = sum(not any(paths[edge] for edge in edges) for paths in drawn)
        assert abs(lost - DRAWS * rate) < 4 * (DRAWS * rate * (1 - rate)) ** 0.5


def test_dropout_rises_in_proportion_to_the_steps():
    def kept(done):
        rng = np.random.default_rng(2)
        found = [PathDropout(0.1)(rng, done)[0]["edge01"] for _ in range(DRAWS)]
        return sum(map(len, found)) / (DRAWS * len(OPERATIONS))

    chance = 0.1**0.25
    assert kept(0.0) == 1.0
    assert kept(0.5) == pytest.approx(1 - chance / 2, abs=0.02)
    assert kept(1.0) == pytest.approx(1 - chance, abs=0.02)


def test_sandwiches_touch_the_largest_and_the_smallest():
    first, second, *between = Sandwich(between=3)(np.random.default_rng(3), 0.0)
    assert (first, second) == (path_of(LARGEST), path_of(SMALLEST))
    assert len(between) == 3
    costs = {name: build_nas_bench_201(point).macs for name, point in (("l", LARGEST), ("s", SMALLEST))}
    others = [build_nas_bench_201(dict.fromkeys(EDGES, choice)).macs for choice in CHOICES]
    assert costs["l"] == max(others)
    assert costs["s"] == min(others)


def test_arriving_edges_are_those_of_the_cell():
    assert ARRIVING == {"1": ["edge01"], "2": ["edge02", "edge12"], "3": ["edge03", "edge13", "edge23"]}


@pytest.mark.parametrize("make", [lambda: PathDropout(1.0), lambda: PathDropout(-0.1), lambda: Sandwich(-1)])
def test_other_settings_are_refused(make):
    with pytest.raises(ValueError, match="must hold, but got"):
        make()
