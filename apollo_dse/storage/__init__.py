"""Where studies outlive the process: one SQLite file, one transaction a batch of trials.

A study is its header (what was asked, of which optimizer) and its trials. Beside studies there is a library of
priors (`apollo_dse.library`), which never change. Nothing else is kept, nothing is pickled. The file is in
write-ahead mode: any number of readers look on while one process writes, and a killed writer loses at most the
batch that was still being evaluated. Write-ahead mode needs a local disk: several hosts must not share a store
over a network file system (https://sqlite.org/wal.html).
"""

from apollo_dse.storage.database import APPLICATION_ID, SCHEMA_VERSION, StoreError
from apollo_dse.storage.records import Extent, Header, Outcome, Record
from apollo_dse.storage.store import DEFAULT_PATH, Store

__all__ = [
    "APPLICATION_ID",
    "DEFAULT_PATH",
    "SCHEMA_VERSION",
    "Extent",
    "Header",
    "Outcome",
    "Record",
    "Store",
    "StoreError",
]
