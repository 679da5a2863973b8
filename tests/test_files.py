import os
import stat

import pytest

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
