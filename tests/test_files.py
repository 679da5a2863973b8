import os
import shutil
import stat
import subprocess
import sys

import filelock
import pytest

from charrnn import files
from charrnn.files import made_anew, replacing


def test_the_content_is_replaced_whole(tmp_path):
    path = tmp_path / "file"
    path.write_text("a longer old content")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "a longer old content"
    assert path.read_text() == "new"


def test_a_file_that_was_not_there_is_made(tmp_path):
    with replacing(tmp_path / "file") as temporary:
        temporary.write_bytes(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_nothing_else_is_left_in_the_folder(tmp_path):
    with replacing(tmp_path / "file") as temporary:
        assert temporary.parent == tmp_path
        temporary.write_text("new")
    assert os.listdir(tmp_path) == ["file"]


def _break_off(path, error):
    with replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_the_old_content_and_no_temporary_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(error):
        _break_off(path, error)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_an_exception_makes_no_file_where_there_was_none(tmp_path):
    with pytest.raises(ValueError, match="stop"), replacing(tmp_path / "file"):
        raise ValueError("stop")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_file_is_as_readable_as_the_umask_says(tmp_path):
    with replacing(tmp_path / "file") as temporary:
        temporary.write_text("new")
    (tmp_path / "ordinary").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="missing"), replacing(tmp_path / "missing" / "file"):
        pass


def test_a_folder_that_is_made_anew_is_the_first_that_was_not_there(tmp_path):
    (tmp_path / "run-3").touch()
    (tmp_path / "run-5").mkdir()
    made = [made_anew(tmp_path / "run").name for _ in range(4)]
    assert made == ["run", "run-2", "run-4", "run-6"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_never_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(FileExistsError, match="pipe"), replacing(pipe) as temporary:
        temporary.write_text("new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_what_a_killed_process_left_beside_a_file_is_removed_by_the_next_that_writes_it_when_it_is_old(tmp_path):
    old, new, others = (tmp_path / name for name in (".file.old.tmp", ".file.new.tmp", ".other.old.tmp"))
    for path in (old, new, others):
        path.touch()
    for path in (old, others):
        os.utime(path, (1, 1))
    with replacing(tmp_path / "file") as temporary:
        temporary.write_bytes(b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"file", new.name, others.name}


@pytest.fixture
def workshops(tmp_path):
    """A function that makes what looks like a workshop, and says which of those are there that nobody works in."""

    def look(name="work-12345678", *names):
        (tmp_path / name).mkdir(exist_ok=True)
        for content in names:
            (tmp_path / name / content).touch()
        return sorted(path.name for path in files.abandoned(tmp_path, "work-", "*.part"))

    return look


def test_a_workshop_is_its_owners_alone_and_gone_in_the_end(tmp_path):
    with files.workshop(tmp_path, "work-", "*.part") as place:
        assert os.name == "nt" or place.stat().st_mode & 0o777 == 0o700
        with open(place / "a.part", "wb", opener=files.private) as file:
            assert os.name == "nt" or os.fstat(file.fileno()).st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == []


def test_of_workshops_those_are_removed_whose_process_has_ended(tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from charrnn.files import workshop
with workshop(Path({str(tmp_path)!r}), "work-", "*.part") as place:
    (place / "a.part").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    with files.workshop(tmp_path, "work-", "*.part") as living:
        subprocess.run([sys.executable, "-c", code], check=False)
        assert len(list(tmp_path.iterdir())) == 2
        with files.workshop(tmp_path, "work-", "*.part") as other:
            assert set(tmp_path.iterdir()) == {living, other}


def test_a_folder_that_only_looks_like_a_workshop_is_left_alone(workshops, tmp_path):
    assert workshops("work-12345678", ".lock", "a.part") == ["work-12345678"]
    assert workshops("work-12345678", "thesis.txt") == []
    assert workshops("work-1", ".lock") == workshops("work-longer than that", ".lock") == []
    (tmp_path / "work-filelike").touch()
    (tmp_path / "work-linklink").symlink_to(tmp_path / "work-1")
    assert workshops("work-1") == []


def test_a_workshop_without_a_lock_is_nobodys_when_it_is_old(workshops, tmp_path):
    assert workshops("work-12345678", "a.part") == []
    os.utime(tmp_path / "work-12345678", (1, 1))
    assert workshops() == ["work-12345678"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no owners of this kind")
def test_another_users_workshop_is_left_alone(workshops, monkeypatch):
    assert workshops("work-12345678", ".lock")
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    assert not workshops()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_workshop_that_is_swept_before_it_has_its_lock_is_made_anew(tmp_path, monkeypatch):
    acquire = filelock.FileLock.acquire

    def late(self, *arguments, **options):
        shutil.rmtree(os.path.dirname(self.lock_file))
        return acquire(self, *arguments, **options)

    monkeypatch.setattr(filelock.FileLock, "acquire", late)
    with files.workshop(tmp_path, "work-", "*") as place:
        assert place.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []
