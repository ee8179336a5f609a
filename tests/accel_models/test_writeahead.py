"""Files that several connections want in write-ahead mode at once."""

import sqlite3
from threading import Timer

import pytest

from accel_models.writeahead import write_ahead


@pytest.fixture
def writer(tmp_path):
    """A connection in the middle of a transaction, with the file in its first mode."""
    connection = sqlite3.connect(tmp_path / "file.sqlite", isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE numbers (number INTEGER)")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO numbers VALUES (1)")
    yield connection
    connection.close()


def other(tmp_path):
    """A second connection, which sqlite lets wait for nothing."""
    return sqlite3.connect(tmp_path / "file.sqlite", isolation_level=None, timeout=0)


def test_a_file_in_use_is_waited_for(writer, tmp_path):
    second = other(tmp_path)
    end = Timer(0.1, writer.execute, ("COMMIT",))
    end.start()
    write_ahead(second, patience_s=30)
    end.join()
    assert second.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert second.execute("SELECT number FROM numbers").fetchall() == [(1,)]


def test_patience_ends(writer, tmp_path):
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write_ahead(other(tmp_path), patience_s=0.05)


def test_other_faults_are_not_waited_for(tmp_path):
    (tmp_path / "file.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        write_ahead(other(tmp_path), patience_s=30)
