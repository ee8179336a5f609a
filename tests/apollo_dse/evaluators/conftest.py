"""What is simulated here is kept in a folder of the test's own."""

import pytest

from apollo_dse.evaluators import memory


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """The folder; mappings of the built-in model stay where they are."""
    made = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(memory, "folder", lambda: made)
    return made
