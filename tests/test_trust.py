"""A folder is used where nobody but its user, root and those whom it works for could have put something there."""

import os
from pathlib import Path

import pytest

from charrnn import trust

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
ME, OTHER = 1234, 4321


def as_made(found, owner):
    """What is known of a new file, where the disk keeps who has made it."""
    return os.stat_result((*found[:4], owner, *found[5:10]))


@pytest.fixture
def world(monkeypatch, tmp_path):
    """A function that says who runs the program, and where, and whose a folder is; it returns what is said of it."""
    for name in (trust.VARIABLE, *trust._CALLERS, *trust._CONTAINED):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(trust, "_CONTAINERS", ())
    folder = tmp_path / "folder"
    folder.mkdir()

    def said(user=ME, owner=ME, mode=0o755, **env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        folder.chmod(mode)
        monkeypatch.setattr(os, "geteuid", lambda: user)
        real = os.stat

        def stat(path, *arguments, **options):
            found = real(path, *arguments, **options)
            return as_made(found, owner) if path == folder else found

        fstat = os.fstat
        with monkeypatch.context() as patch:
            patch.setattr(os, "stat", stat)
            patch.setattr(os, "fstat", lambda handle: as_made(fstat(handle), user))
            return trust.refusal(folder)

    said.folder = folder
    return said


@pytest.mark.parametrize("mode", [0o700, 0o755, 0o775, 0o2770])
@pytest.mark.parametrize(("user", "owner"), [(ME, ME), (ME, 0), (0, 0)])
def test_ones_own_and_roots_folders_are_used_and_a_group_is_its_owners_choice(world, user, owner, mode):
    assert world(user, owner, mode) is None


def test_what_is_not_there_yet_is_no_matter_of_trust(tmp_path):
    assert trust.refusal(tmp_path / "none") is None
    assert trust.refusal(Path("\0")) is None


def test_a_folder_of_another_user_is_refused_with_the_way_to_allow_it(world):
    cure = "where you trust what is in it, name it in CHARRNN_SAFE_FOLDERS"
    told = (f"{world.folder} belongs to user {OTHER}", cure)
    assert world(ME, OTHER) == world(0, OTHER) == told


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o703])
def test_a_folder_that_every_user_can_write_to_is_refused_whosever_it_is(world, mode):
    cure = "take that away (chmod o-w), or name it in CHARRNN_SAFE_FOLDERS"
    assert world(mode=mode) == (f"every user can write to {world.folder}", cure)
    assert world(0, 0, mode, CI="true")


@pytest.mark.parametrize("name", trust._CALLERS)
def test_root_may_use_the_folders_of_the_user_for_whom_it_works(world, name):
    assert world(0, OTHER, **{name: str(OTHER)}) is None
    assert world(ME, OTHER, **{name: str(OTHER)})


@pytest.mark.parametrize("name", trust._CONTAINED)
def test_root_of_a_container_may_use_folders_of_the_host_and_no_other_user_of_it(world, name):
    assert world(0, OTHER, **{name: "yes"}) is None
    assert world(ME, OTHER, **{name: "yes"})


def test_root_knows_a_container_by_its_marks(world, monkeypatch, tmp_path):
    monkeypatch.setattr(trust, "_CONTAINERS", (str(tmp_path / "mark"),))
    assert world(0, OTHER)
    (tmp_path / "mark").touch()
    assert world(0, OTHER) is None


def test_modes_and_owners_mean_nothing_on_a_disk_that_keeps_none(world, monkeypatch):
    wide = lambda found, owner: os.stat_result((found.st_mode | 0o777, *found[1:4], OTHER, *found[5:10]))  # noqa: E731
    monkeypatch.setitem(globals(), "as_made", lambda found, owner: wide(found, owner))
    assert world(mode=0o777) is None
    assert world(ME, OTHER) is None


@pytest.mark.parametrize("allowed", ["{0}", "{1}", "/elsewhere:{0}/", "*", "/elsewhere:*"])
def test_a_folder_that_is_allowed_or_in_one_that_is_or_where_all_are_is_used(world, allowed):
    named = allowed.format(world.folder, world.folder.parent)
    assert world(owner=OTHER, mode=0o777, CHARRNN_SAFE_FOLDERS=named) is None


@pytest.mark.parametrize("allowed", ["", ":", "{0}-not", "{0}/below"])
def test_other_names_allow_nothing(world, allowed):
    assert world(owner=OTHER, CHARRNN_SAFE_FOLDERS=allowed.format(world.folder))
