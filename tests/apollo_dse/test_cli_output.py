"""Numbers for people, and JSON that is JSON."""

import json
import math

from apollo_dse.cli import output
from search_spaces import Ordinal, SearchSpace


def test_counts_and_bytes_have_their_own_prefixes():
    assert output.count_text(4_089_184_256) == "4.089 G"
    assert output.count_text(0) == "0"
    assert output.bytes_text(2 * 2**20) == "2 MiB"
    assert output.bytes_text(100) == "100 B"


def test_a_document_is_one_json_value_and_holds_null_for_what_is_not_finite(capsys):
    output.document({"latency_s": math.inf, "rows": ({"x": math.nan, "y": (1, 2.5)},), "name": "a"})
    written = capsys.readouterr().out
    told = json.loads(written)
    assert list(told)[:2] == ["schema", "schema_version"]
    assert (told.pop("schema"), told.pop("schema_version")) == ("apollo-dse.result", 1)
    assert told == {"latency_s": None, "rows": [{"x": None, "y": [1, 2.5]}], "name": "a"}
    assert written.endswith("}\n")


def test_a_table_in_a_pipe_keeps_long_cells_whole(capsys):
    output.table(("name", "MACs"), [["a" * 150, "1.5 G"], ["b", "12 G"]])
    lines = capsys.readouterr().out.splitlines()
    assert any("a" * 150 in line for line in lines)
    assert lines[-1].rstrip().endswith(" 12 G"), "numbers stand flush right"


def test_a_point_is_written_as_the_option_that_takes_it():
    space = SearchSpace((Ordinal("pe_memory_bytes", (2**20, 2**21), "bytes"), Ordinal("pe_x", (1, 2))))
    text = output.point_text(space, {"pe_memory_bytes": 2**21, "pe_x": 2, "technology": "7nm"})
    assert text == "--set pe_memory_bytes=2MiB --set pe_x=2 --set technology=7nm"


def test_waiting_writes_a_line_now_and_then_where_stderr_is_no_terminal(capsys, monkeypatch):
    times = iter([0.0, 1.0, output.SECONDS_BETWEEN_LINES, output.SECONDS_BETWEEN_LINES])
    monkeypatch.setattr(output, "perf_counter", lambda: next(times))
    with output.waiting("Pricing") as say:
        say("too soon")
        say("layer 7 of 9")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "layer 7 of 9\n"
