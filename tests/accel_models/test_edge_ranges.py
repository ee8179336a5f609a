"""Ranges of the edge template: exact on single points, and around every point of a box."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_models.mapspace.designs import Columns
from accel_models.mapspace.designs import columns as stacked
from accel_models.templates.edge import build_edge
from accel_models.templates.edge_ranges import EDGE_RANGES
from search_spaces.hardware.edge import SPACE

LISTS = {parameter.name: parameter.values for parameter in SPACE.parameters}
SETTLED = (
    {},
    {"clock_mhz": 500.0, "technology": "45nm", "dram": "HBM2"},
    {"weight_format": "int4", "activation_format": "int8"},
    {"weight_format": "fp16", "technology": "16nm"},
)
places = st.fixed_dictionaries({name: st.sampled_from(range(len(values))) for name, values in LISTS.items()})


def columns(points):
    return {name: np.array([point[name] for point in points], dtype=np.float64) for name in LISTS}


@pytest.mark.parametrize("settled", SETTLED, ids=str)
def test_a_single_point_has_the_numbers_of_its_design(settled):
    points = SPACE.sample(np.random.default_rng(0), 300)
    accelerators = [build_edge({**point, **settled}) for point in points]
    floor = EDGE_RANGES.floor(settled, columns(points))
    ranges = EDGE_RANGES.ranges(settled, columns(points), columns(points))
    designs = stacked(accelerators)
    for name in (field.name for field in fields(Columns)):
        np.testing.assert_allclose(ranges.least[name], getattr(designs, name).numpy(), rtol=1e-13, err_msg=name)
        np.testing.assert_array_equal(ranges.least[name], ranges.most[name], err_msg=name)
    assert set(ranges.least) == set(ranges.most) == {field.name for field in fields(Columns)}
    np.testing.assert_allclose(floor.area_mm2, [a.total_area_mm2 for a in accelerators], rtol=1e-13)
    np.testing.assert_allclose(floor.leakage_w, [a.leakage_w for a in accelerators], rtol=1e-13)
    np.testing.assert_allclose(ranges.peak_macs_per_s[0], [a.peak_ops_per_s / 2 for a in accelerators])
    for word in ("reticle", "peak power"):
        assert any(word in violation for a in accelerators for violation in a.violations)
    assert [floor.violations(row) for row in range(len(points))] == [a.violations for a in accelerators]
    assert floor.buildable.tolist() == [not a.violations for a in accelerators]


@pytest.mark.parametrize("settled", SETTLED[:2], ids=str)
@settings(max_examples=300, deadline=None, derandomize=True)
@given(one=places, other=places, inside=places)
def test_every_point_of_a_box_lies_in_its_ranges(settled, one, other, inside):
    """The point inside is drawn by clipping a third one to the box of the first two."""
    lower = {name: LISTS[name][min(one[name], other[name])] for name in LISTS}
    upper = {name: LISTS[name][max(one[name], other[name])] for name in LISTS}
    point = {name: min(max(LISTS[name][inside[name]], lower[name]), upper[name]) for name in LISTS}
    accelerator = build_edge({**point, **settled})
    floor = EDGE_RANGES.floor(settled, columns([lower]))
    ranges = EDGE_RANGES.ranges(settled, columns([lower]), columns([upper]))
    designs = stacked([accelerator])
    for name, least in ranges.least.items():
        value = float(getattr(designs, name))
        assert least[0] * (1 - 1e-13) <= value <= ranges.most[name][0] * (1 + 1e-13), name
    assert floor.area_mm2[0] <= accelerator.total_area_mm2 * (1 + 1e-13)
    assert floor.leakage_w[0] <= accelerator.leakage_w * (1 + 1e-13)
    assert ranges.peak_macs_per_s[0][0] <= accelerator.peak_ops_per_s / 2 <= ranges.peak_macs_per_s[1][0]
    if not floor.buildable[0]:
        assert accelerator.violations
