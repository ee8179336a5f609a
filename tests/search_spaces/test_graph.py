"""Networks as they are drawn."""

import numpy as np
import pytest

import search_spaces
from search_spaces.networks.graph import Edge, Graph, chain
from search_spaces.networks.mnasnet import MNASNET
from search_spaces.networks.nas_bench_201 import draw_nas_bench_201, nas_bench_201_point


def test_a_cell_has_the_operations_that_do_something() -> None:
    cell = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    found = draw_nas_bench_201(nas_bench_201_point(cell))
    assert {(edge.source, edge.target, edge.label) for edge in found.edges} == {
        (0, 1, "3 × 3"), (1, 2, "1 × 1"), (0, 3, ""), (2, 3, "pool"),
    }  # fmt: skip


def test_stages_follow_one_another() -> None:
    assert MNASNET.graph is not None
    found = MNASNET.graph(MNASNET.usual)
    assert found.nodes[1] == "1 × expand 1, 3 × 3, 16 channels, gates"
    assert found == chain(*found.nodes)
    assert len(found.nodes) == 9


@pytest.mark.parametrize("name", search_spaces.network_names())
def test_every_network_of_a_space_that_draws_can_be_drawn(name: str) -> None:
    space = search_spaces.network_space(name)
    if space.graph is None:
        pytest.skip("it does not draw")
    drawn = [space.graph(point) for point in space.space.sample(np.random.default_rng(0), 30)]
    assert all(len(graph.nodes) > 1 and all(graph.nodes) for graph in drawn)
    assert len(set(drawn)) > 1


@pytest.mark.parametrize(("source", "target"), [(1, 1), (1, 0), (0, 2), (-1, 1)])
def test_edges_that_lead_nowhere_or_back_are_refused(source: int, target: int) -> None:
    with pytest.raises(ValueError, match="an edge must lead from a node to a later one"):
        Graph(("a", "b"), (Edge(source, target),))
