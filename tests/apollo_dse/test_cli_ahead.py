"""The search for mappings ahead of pricing: every layer shape once, said before it is searched."""

from dataclasses import replace

from accel_models import Layer, Workload
from accel_models.dataflows import pe_array
from accel_models.templates.edge import PRESETS, build_edge
from apollo_dse.cli.ahead import search_mappings


def test_every_shape_is_told_and_searched_once(monkeypatch):
    searched = []
    monkeypatch.setattr(
        pe_array.PeArrayPricer, "prepare", lambda _self, layer, _designs: searched.append(layer)
    )
    wide, deep = Layer(name="wide", k=64, c=32), Layer(name="deep", k=32, c=64)
    nets = [Workload(name="a", layers=(wide, deep)), Workload(name="b", layers=(replace(deep, name="again"),))]
    told = []
    search_mappings(build_edge(PRESETS["edge-tpu-v1"]), (), nets, told.append)
    assert [said.rpartition(": ")[2] for said in told] == ["a wide", "a deep"]
    assert told[0].startswith("Searching mappings, layer shape 1 of 2")
    assert [(layer.k, layer.c) for layer in searched] == [(64, 32), (32, 64)]
