import os
from types import SimpleNamespace

import pytest

from charrnn.errors import ConfigError
from charrnn.room import available, check_disk, check_memory


@pytest.fixture
def free(monkeypatch):
    """Set how much of every disk is free."""
    return lambda free: monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=free))


def test_the_machine_says_how_much_memory_it_has():
    assert 1e8 < available() < 1e15


def test_what_fits_is_not_refused(tmp_path, free):
    free(1000)
    check_disk("it", 1000, tmp_path, "make room")
    check_memory("it", 1000, 1000, "make room")


def test_too_little_disk_is_told_of_a_folder_that_is_there(tmp_path, free):
    free(2_500_000)
    with pytest.raises(ConfigError, match=rf"^a run takes 3.0 MB, and {tmp_path} has 2.5 MB free; make room$"):
        check_disk("a run", 3e6, tmp_path / "a" / ("b" * 300), "make room")
    assert os.listdir(tmp_path) == []


def test_too_little_memory_is_told():
    with pytest.raises(ConfigError, match=r"^a text takes 2.0 GB of memory, and there are 0.5 MB; read less$"):
        check_memory("a text", 2e9, 5e5, "read less")
