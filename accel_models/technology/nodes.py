"""The five nodes: constants at 45 and 7 nm from the literature, 28 and 16 nm between them, 65 nm beyond.

65 nm is a low-power process at 1.0 V, in which Eyeriss was made: 45 nm scaled back, but for its leakage.
"""

from accel_models.technology import scaling
from accel_models.technology.model import Technology
from accel_models.technology.quantity import Kind, Quantity

_HOROWITZ = "Horowitz, ISSCC 2014, 45 nm, 0.9 V"
_TPU_V4I = "Jouppi et al., TPUv4i, ISCA 2021, Table 2"
_BETWEEN = f"between {_HOROWITZ} and {_TPU_V4I}, along {scaling.SOURCE}"
_BACK = f"{_HOROWITZ}, by {scaling.SOURCE}"
_ALADDIN = "Aladdin, 40 nm"

# Field: (printed name, unit, value at 45 nm, value at 7 nm). SRAM a 64-bit access.
_ENERGIES = {
    "add8_energy": ("int8 add", "pJ", 0.03, 0.007),
    "add32_energy": ("int32 add", "pJ", 0.1, 0.03),
    "mul8_energy": ("int8 multiply", "pJ", 0.2, 0.07),
    "mul32_energy": ("int32 multiply", "pJ", 3.1, 1.48),
    "fp16_add_energy": ("fp16 add", "pJ", 0.4, 0.16),
    "fp32_add_energy": ("fp32 add", "pJ", 0.9, 0.38),
    "fp16_mul_energy": ("fp16 multiply", "pJ", 1.1, 0.34),
    "fp32_mul_energy": ("fp32 multiply", "pJ", 3.7, 1.31),
    "sram_8kib_energy": ("SRAM 8 KiB, 64-bit access", "pJ", 10.0, 7.5),
    "sram_32kib_energy": ("SRAM 32 KiB, 64-bit access", "pJ", 20.0, 8.5),
    "sram_1mib_energy": ("SRAM 1 MiB, 64-bit access", "pJ", 100.0, 14.0),
}

# Field: (printed name, um2 at 45 nm).
_AREAS = {
    "add8_area": ("int8 adder", 36.0),
    "add32_area": ("int32 adder", 137.0),
    "mul8_area": ("int8 multiplier", 282.0),
    "mul32_area": ("int32 multiplier", 3495.0),
    "fp16_add_area": ("fp16 adder", 1360.0),
    "fp32_add_area": ("fp32 adder", 4184.0),
    "fp16_mul_area": ("fp16 multiplier", 1640.0),
    "fp32_mul_area": ("fp32 multiplier", 7700.0),
}

_BITCELLS: dict[str, tuple[float, Kind, str]] = {
    "65nm": (0.346 * 1.5, "scaled", f"the cell at 45 nm, by {scaling.SOURCE}"),
    "45nm": (0.346, "published", "Intel 45 nm 6T cell (153 Mb test chip, ISSCC 2006)"),
    "28nm": (0.127, "published", "TSMC 28 nm high-density 6T cell (WikiChip)"),
    "16nm": (
        0.074,
        "published",
        "TSMC 16 nm high-density 6T cell; WikiChip has 0.07 of the 128 Mb test chip, ISSCC 2014",
    ),
    "7nm": (0.027, "published", "TSMC 7 nm high-density 6T cell"),
}

_SUPPLIES: dict[str, tuple[float, Kind, str]] = {
    "65nm": (1.0, "published", "Chen et al., Eyeriss, JSSC 52(1), 2017"),
    "45nm": (0.9, "published", _HOROWITZ),
    "28nm": (0.9, "assumed", "nominal supply of 28 nm high-performance mobile"),
    "16nm": (0.8, "assumed", "nominal supply of 16 nm FinFET"),
    "7nm": (0.7, "assumed", f"nominal in {scaling.SOURCE}; the TPUv4i paper names none"),
}

# Global wire by half pitch; 65 nm lies between 0.367 at 70 and 0.345 at 50, 7 nm extends the last slope.
_WIRE_PF_PER_MM = {65: 0.36, 50: 0.345, 35: 0.315, 25: 0.288, 18: 0.266, 13: 0.247, 7: 0.2145}
_WIRE_ACTIVITY = 0.25
_REPEATERS = 2.07


def _energy(field: str, name: str, node_nm: float, vdd_v: float) -> Quantity:
    label, unit, at_45nm, at_7nm = _ENERGIES[field]
    if name == "45nm":
        return Quantity(label, at_45nm, unit, "published", _HOROWITZ)
    if name == "7nm":
        return Quantity(label, at_7nm, unit, "published", _TPU_V4I)
    if node_nm > 45:
        return Quantity(label, at_45nm * scaling.energy_ratio(node_nm, vdd_v), unit, "scaled", _BACK)
    return Quantity(label, scaling.between(at_45nm, at_7nm, node_nm, vdd_v), unit, "scaled", _BETWEEN)


def _area(field: str, node_nm: float) -> Quantity:
    label, at_45nm = _AREAS[field]
    if node_nm == 45:
        return Quantity(label, at_45nm, "um2", "published", _HOROWITZ)
    return Quantity(label, at_45nm * scaling.area_ratio(node_nm), "um2", "scaled", _BACK)


def _register_energy(node_nm: float, vdd_v: float) -> Quantity:
    at_45nm = 0.009 / scaling.energy_ratio(40, 0.9)
    source = f"{_ALADDIN}, to 45 nm by {scaling.SOURCE}"
    if node_nm > 45:
        value = at_45nm * scaling.energy_ratio(node_nm, vdd_v)
    else:
        value = scaling.between(at_45nm, at_45nm * 0.3, node_nm, vdd_v)
        source += ", onwards like the published int32 adder"
    return Quantity("flip-flop access", value, "pJ/bit", "scaled", source)


def _register_area(node_nm: float) -> Quantity:
    value = 5.98 * scaling.area_ratio(node_nm) / scaling.area_ratio(40)
    return Quantity("flip-flop", value, "um2/bit", "scaled", f"{_ALADDIN}, by {scaling.SOURCE}")


def _wire_energy(node_nm: float, vdd_v: float) -> Quantity:
    value = _WIRE_ACTIVITY * vdd_v**2 * scaling.on_log_line(_WIRE_PF_PER_MM, node_nm) * _REPEATERS
    source = "C of Banerjee & Mehrotra 2002; full swing, a rising edge every fourth bit, repeaters 1.07 C"
    return Quantity("wire", value, "pJ/bit/mm", "scaled", source)


def _leakage(node_nm: float) -> Quantity:
    if node_nm > 45:
        return Quantity(
            "leakage", 0.05e-3, "W/mm2", "assumed", "CACTI 7, low standby power at 45 nm; the same at 65"
        )
    kind: Kind = "scaled" if node_nm == 45 else "assumed"
    source = f"{_ALADDIN} multiplier, 80 uW in 6350 um2; the same per mm2 at every node"
    return Quantity("leakage", 80.0 / 6350.0, "W/mm2", kind, source)


def _technology(name: str, node_nm: float) -> Technology:
    vdd_v, supply_kind, supply_source = _SUPPLIES[name]
    bitcell_um2, bitcell_kind, bitcell_source = _BITCELLS[name]
    energies = {field: _energy(field, name, node_nm, vdd_v) for field in _ENERGIES}
    areas = {field: _area(field, node_nm) for field in _AREAS}
    return Technology(
        name=name,
        node_nm=node_nm,
        supply=Quantity("supply", vdd_v, "V", supply_kind, supply_source),
        register_energy=_register_energy(node_nm, vdd_v),
        register_area=_register_area(node_nm),
        bitcell_area=Quantity("SRAM bitcell", bitcell_um2, "um2", bitcell_kind, bitcell_source),
        wire_energy=_wire_energy(node_nm, vdd_v),
        leakage=_leakage(node_nm),
        **energies,
        **areas,
    )


TECHNOLOGIES: dict[str, Technology] = {
    technology.name: technology
    for technology in (
        _technology("65nm", 65),
        _technology("45nm", 45),
        _technology("28nm", 28),
        _technology("16nm", 16),
        _technology("7nm", 7),
    )
}
