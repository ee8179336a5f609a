"""SQLite files in write-ahead mode: many processes may read one while another writes."""

import sqlite3
from time import monotonic, sleep

_STEP_S = 0.005


def write_ahead(connection: sqlite3.Connection, patience_s: float) -> None:
    """Have the file in write-ahead mode from now on.

    Who changes the mode reads the file and then wants it alone. Two who do so would wait for each other, so
    sqlite refuses one of them at once, whatever its timeout; here it tries again.

    Args:
        connection: of the file, outside of any transaction.
        patience_s: how long to try.

    Raises:
        sqlite3.Error: the file is in use for longer, cannot be written, or is no database.
    """
    end = monotonic() + patience_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > end:
                raise
            sleep(_STEP_S)
        else:
            return
