"""Stores: what goes in comes out, and every broken file gets one clear sentence."""

import csv
import io
import json
import os
import shutil
import sqlite3
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo_dse.export import to_csv, to_json
from apollo_dse.storage import (
    APPLICATION_ID,
    DEFAULT_PATH,
    SCHEMA_VERSION,
    Extent,
    Header,
    Record,
    Store,
    StoreError,
)
from apollo_dse.trial import Measurement, Trial

NOBODY = 65534


def header(name="demo"):
    return Header(name, "2025-01-02T03:04:05+00:00", {"optimizer": "random", "seed": 0}, {"note": "x"})


def record(number, point=None, measurement=None, batch=0):
    measurement = measurement or Measurement({"latency_s": 0.1 * (number + 1), "area_mm2": 7.25})
    return Record(Trial(number, point or {"x": number, "kind": "a"}, measurement), batch, 0.5, "random")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.sqlite"


@pytest.fixture
def filled(path):
    """A closed store with one study of 400 trials, long enough to span many pages."""
    records = tuple(record(number, batch=number // 16 * 16) for number in range(400))
    with Store(path) as store:
        store.create(header())
        store.append("demo", records)
    return records


@contextmanager
def unprivileged():
    """The superuser may write anything, so act as someone else for a while."""
    euid = os.geteuid()
    if euid == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(euid)


def test_what_goes_in_comes_out(path):
    infeasible = Measurement(infeasible_because="the program does not fit: 9 of 8 entries")
    records = (record(0), record(1, measurement=infeasible), record(2, {"x": 1.5, "kind": "b"}, batch=2))
    with Store(path) as store:
        store.create(header())
        store.append("demo", records[:2])
        store.append("demo", records[2:])
        assert store.records("demo") == records
    with Store(path) as store:
        assert store.names() == ("demo",)
        assert store.header("demo") == header()
        assert store.records("demo") == records
        assert store.records("demo", start=2) == records[2:]


@given(value=st.floats(allow_nan=False, allow_infinity=False), word=st.text(min_size=1))
@settings(max_examples=50, deadline=None, derandomize=True)
def test_every_number_and_word_survives(tmp_path_factory, value, word):
    path = tmp_path_factory.mktemp("store") / "s.sqlite"
    stored = record(0, {"x": value, "kind": word}, Measurement({"latency_s": value}))
    if "\ud800" <= max(word) <= "\udfff":
        return
    with Store(path) as store:
        store.create(header())
        store.append("demo", [stored])
        assert store.records("demo") == (stored,)


def test_a_batch_is_stored_whole_or_not_at_all(path):
    with Store(path) as store:
        store.create(header())
        store.append("demo", [record(0), record(1)])
        with pytest.raises(StoreError, match="extended by another process"):
            store.append("demo", [record(2), record(1)])
        with pytest.raises(StoreError, match="extended by another process"):
            store.append("demo", [record(2), record(3, point={"kind": "a", "x": 0.0})])
        assert [r.trial.number for r in store.records("demo")] == [0, 1]


def test_studies_do_not_mix(path):
    with Store(path) as store:
        for name in ("a", "b"):
            store.create(header(name))
        store.append("a", [record(0)])
        store.append("b", [record(0), record(1)])
        assert (len(store.records("a")), len(store.records("b"))) == (1, 2)
        with pytest.raises(StoreError, match="study 'a' is there already"):
            store.create(header("a"))


def test_unknown_study_names_the_nearest(path):
    with Store(path) as store:
        store.create(header("resnet50-edge"))
        for ask in (store.header, store.records, lambda name: store.append(name, [record(0)])):
            with pytest.raises(StoreError, match=r"no study 'resnet50-egde'; did you mean 'resnet50-edge'\?"):
                ask("resnet50-egde")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "-x", "a b", "x" * 101, "a\n", "é", "a\0"]
)
def test_names_that_could_leave_the_folder_are_refused(name):
    with pytest.raises(ValueError, match="a study's name must be"):
        header(name)


@pytest.mark.parametrize("name", ["a", "resnet50-edge_2.1", "7nm", "x" * 100])
def test_usual_names_are_accepted(name):
    assert header(name).name == name


def test_default_path_and_its_variable(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APOLLO_DSE_STORE", raising=False)
    with Store() as store:
        assert store.path == DEFAULT_PATH
    assert (tmp_path / DEFAULT_PATH).is_file()
    monkeypatch.setenv("APOLLO_DSE_STORE", str(tmp_path / "other.sqlite"))
    with Store() as store:
        assert store.path == tmp_path / "other.sqlite"


def test_header_of_the_file(path):
    Store(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()


def test_readers_see_whole_batches_while_one_writes(path):
    with Store(path) as store:
        store.create(header())
    seen, problems, done = [], [], threading.Event()

    def read():
        try:
            with Store(path, read_only=True) as reader:
                while not done.is_set():
                    count = len(reader.records("demo"))
                    seen.append(count)
                    if count % 16:
                        problems.append(count)
        except StoreError as error:
            problems.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    with Store(path) as store:
        for start in range(0, 640, 16):
            store.append("demo", [record(number, batch=start) for number in range(start, start + 16)])
    done.set()
    for reader in readers:
        reader.join()
    assert not problems
    assert seen


def test_several_processes_may_make_the_file_at_once(path):
    problems, barrier = [], threading.Barrier(4)

    def make(name):
        barrier.wait()
        try:
            with Store(path) as store:
                store.create(header(name))
        except StoreError as error:
            problems.append(error)

    makers = [threading.Thread(target=make, args=(f"s{i}",)) for i in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert not problems
    with Store(path) as store:
        assert sorted(store.names()) == ["s0", "s1", "s2", "s3"]


def test_a_lock_that_is_never_released(path, monkeypatch):
    monkeypatch.setattr("apollo_dse.storage.database._BUSY_S", 0.05)
    with Store(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            store.create(header())
        other.close()
        store.create(header())


class TestBrokenFiles:
    @pytest.mark.parametrize(
        "content", [b"not a database at all", b"\0" * 5000, b"SQLite format 3\0" + b"\xff" * 4096]
    )
    @pytest.mark.parametrize("read_only", [False, True])
    def test_no_database(self, path, content, read_only):
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"store\.sqlite is not an apollo-dse store"):
            Store(path, read_only=read_only)
        assert path.read_bytes() == content

    def test_database_of_another_program(self, path):
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (x)")
        connection.close()
        before = path.read_bytes()
        with pytest.raises(StoreError, match="belongs to another program"):
            Store(path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("read_only", [True, False])
    def test_older_schema_is_read_and_brought_up_to_date(self, path, filled, read_only):
        with Store(path) as store:
            before = store.records("demo")
        connection = sqlite3.connect(path)
        connection.execute("ALTER TABLE trials DROP COLUMN bottlenecks")
        connection.execute("DROP TABLE priors")
        connection.execute("ALTER TABLE studies DROP COLUMN extended")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
        connection.close()
        plain = [replace(each.trial.measurement, bottlenecks={}) for each in before]
        for _ in range(2):
            with Store(path, read_only=read_only) as store:
                assert [each.trial.measurement for each in store.records("demo")] == plain
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA user_version").fetchone() == (1 if read_only else SCHEMA_VERSION,)
        connection.close()

    @pytest.mark.parametrize("read_only", [True, False])
    @pytest.mark.parametrize("version", [1, 2])
    def test_a_store_without_a_library_gets_one(self, path, filled, version, read_only):
        connection = sqlite3.connect(path)
        connection.execute("DROP TABLE priors")
        connection.execute("ALTER TABLE studies DROP COLUMN extended")
        if version == 1:
            connection.execute("ALTER TABLE trials DROP COLUMN bottlenecks")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
        connection.close()
        with Store(path, read_only=read_only) as store:
            assert store.prior_names() == ()
            with pytest.raises(StoreError, match="has no prior 'lab'"):
                store.prior("lab")
            if not read_only:
                store.add_prior("lab", "2026-01-01", {"version": 1})
                assert store.prior("lab") == ("2026-01-01", {"version": 1})
            assert len(store.records("demo")) == len(filled)

    @pytest.mark.parametrize("read_only", [False, True])
    def test_newer_schema(self, path, filled, read_only):
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
        connection.close()
        with pytest.raises(
            StoreError, match=f"version {SCHEMA_VERSION + 1}, but this apollo-dse reads version"
        ):
            Store(path, read_only=read_only)

    def test_truncated_anywhere_never_yields_wrong_trials(self, path, filled):
        whole = path.read_bytes()
        for length in range(1, len(whole), 1013):
            path.write_bytes(whole[:length])
            with pytest.raises(StoreError, match=r"damaged|is not an apollo-dse store"), Store(path) as store:
                store.records("demo")

    def test_bytes_overwritten_never_show_another_error(self, path, filled):
        whole = path.read_bytes()
        sentences = []
        for start in range(0, len(whole), 1013):
            path.write_bytes(whole[:start] + b"\xa5" * 64 + whole[start + 64 :])
            try:
                with Store(path) as store:
                    store.records("demo")
            except StoreError as error:
                sentences.append(str(error))
        assert sentences
        assert not any("\n" in sentence for sentence in sentences)

    def test_folder_instead_of_a_file(self, tmp_path):
        with pytest.raises(StoreError, match="cannot be opened"):
            Store(tmp_path)

    def test_folder_missing(self, tmp_path):
        with pytest.raises(StoreError, match="cannot be opened: its folder must exist"):
            Store(tmp_path / "no" / "s.sqlite")

    def test_reading_makes_no_file(self, path):
        with pytest.raises(StoreError, match="there is no store"):
            Store(path, read_only=True)
        assert not path.exists()

    def test_read_only_file_and_folder(self, request):
        folder = Path(tempfile.mkdtemp())  # the folders above `tmp_path` are closed to others
        request.addfinalizer(lambda: shutil.rmtree(folder))
        path = folder / "s.sqlite"
        with Store(path) as store:
            store.create(header())
            store.append("demo", [record(0)])
        path.chmod(0o444)
        folder.chmod(0o555)
        with unprivileged():
            with Store(path, read_only=True) as store:
                assert store.records("demo") == (record(0),)
                with pytest.raises(StoreError, match="read-only"):
                    store.append("demo", [record(1)])
            with pytest.raises(StoreError, match=r"read-only|cannot be opened"), Store(path) as store:
                store.append("demo", [record(1)])

    def test_looking_on_cannot_write(self, path, filled):
        with Store(path, read_only=True) as store:
            with pytest.raises(StoreError, match="cannot be written"):
                store.append("demo", [record(400)])
            assert store.records("demo") == filled


def test_extents_count_trials_and_know_when_the_last_came(path):
    with Store(path) as store:
        store.create(header("empty"))
        store.create(header())
        assert [(each.trials, each.extended) for each in store.extents()] == [(0, None), (0, None)]
        before = datetime.now(UTC)
        store.append("demo", [record(0), record(1)])
        empty, demo = store.extents()
    assert (empty.name, empty.trials, empty.extended) == ("empty", 0, None)
    assert (demo.name, demo.trials) == ("demo", 2)
    assert abs(datetime.fromisoformat(demo.extended) - before) < timedelta(seconds=60)


def test_a_store_that_keeps_no_times_has_extents(path, filled):
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE studies DROP COLUMN extended")
    connection.execute("PRAGMA user_version = 3")
    connection.close()
    with Store(path, read_only=True) as store:
        assert store.extents() == (Extent("demo", 400, None),)
    with Store(path) as store:
        store.append("demo", [record(400)])
        assert store.extents()[0].extended


def test_outcomes_are_the_records_without_their_points(path, monkeypatch):
    monkeypatch.setattr("apollo_dse.storage.store._PAGE", 2)
    infeasible = Measurement(infeasible_because="too wide, by 3")
    with Store(path) as store:
        store.create(header())
        store.append("demo", [record(0), record(1, measurement=infeasible), *map(record, range(2, 5))])
        pages = list(store.outcomes("demo", 1))
        assert [len(page) for page in pages] == [2, 2]
        found = [Measurement(each.metrics, each.infeasible_because) for page in pages for each in page]
        assert found == [each.trial.measurement for each in store.records("demo", 1)]
        assert [each.number for page in pages for each in page] == [1, 2, 3, 4]
        assert {each.seconds for page in pages for each in page} == {0.5}
        assert list(store.outcomes("demo", 5)) == []
        with pytest.raises(StoreError, match="has no study 'demos'"):
            list(store.outcomes("demos"))


def test_records_of_some_numbers(path, filled):
    with Store(path, read_only=True) as store:
        assert store.records("demo", numbers=[7, 3, 399, 400]) == (filled[3], filled[7], filled[399])
        assert store.records("demo", start=5, numbers=[7, 3]) == (filled[7],)
        assert store.records("demo", numbers=[]) == ()


def test_csv_has_a_column_for_everything():
    infeasible = Measurement(infeasible_because="too wide, by 3")
    rows = list(csv.DictReader(io.StringIO(to_csv([record(0), record(1, measurement=infeasible)]))))
    assert rows[0] == {
        "number": "0",
        "point.x": "0",
        "point.kind": "a",
        "metric.latency_s": "0.1",
        "metric.area_mm2": "7.25",
        "infeasible_because": "",
        "seconds": "0.5",
        "proposed_by": "random",
    }
    assert rows[1]["infeasible_because"] == "too wide, by 3"
    assert rows[1]["metric.latency_s"] == ""


def test_json_is_one_document():
    document = json.loads(to_json(header(), [record(0)]))
    assert document["asked"] == {"optimizer": "random", "seed": 0}
    assert document["trials"][0]["point"] == {"x": 0, "kind": "a"}
    assert document["trials"][0]["metrics"] == {"latency_s": 0.1, "area_mm2": 7.25}


def test_path_may_hold_any_character(tmp_path):
    path = Path(tmp_path / "a?b#c%20 d.sqlite")
    with Store(path) as store:
        store.create(header())
    assert path.is_file()
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
