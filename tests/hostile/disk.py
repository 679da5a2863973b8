"""A disk that fails: the calls of the operating system on paths in one folder, counted, the n-th of which fails once.

Calls are counted where Python makes them: the functions of `os`, and the files that `open` gives. What libraries in
other languages write by themselves, safetensors and numpy, is led through such files.
"""

import _pyio
import builtins
import errno
import fcntl
import io
import os
import shutil
from importlib import import_module

import numpy as np
import safetensors.numpy
import safetensors.torch
from safetensors import SafetensorError

WRITING = (
    "chmod",
    "fchmod",
    "ftruncate",
    "link",
    "mkdir",
    "remove",
    "rename",
    "replace",
    "rmdir",
    "symlink",
    "truncate",
    "unlink",
    "utime",
    "write",
    "fsync",
)
READING = ("listdir", "lstat", "open", "read", "scandir", "stat", "statvfs")
SAVERS = {"charrnn.model.sealed": safetensors.numpy.save, "charrnn.training.resume": safetensors.torch.save}
_STREAMS = ("BufferedReader", "BufferedRandom", "BufferedWriter", "TextIOWrapper")


class Disk:
    """The calls on what lies in a folder; the call of number `at`, counted from 1, fails with the error `number`."""

    def __init__(self, monkeypatch, folder, at=0, number=errno.EIO):
        self.calls = []
        self._folder, self._at, self._number = os.path.join(folder, ""), at, number
        self._paths = {}  # of open files, by their numbers
        self._open, self._close = os.open, os.close
        files = _files_of(self)
        for name in (*WRITING, *READING):
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))
        monkeypatch.setattr(os, "open", self._opened)
        monkeypatch.setattr(os, "close", self._closed)
        monkeypatch.setattr(fcntl, "flock", self._watched("flock", fcntl.flock))
        for name in _STREAMS:
            monkeypatch.setattr(_pyio, name, getattr(io, name))
        monkeypatch.setattr(_pyio, "FileIO", files)
        opened = self._opener(io.open)
        monkeypatch.setattr(builtins, "open", opened)
        monkeypatch.setattr(io, "open", opened)
        inside = np.lib.format.write_array.__globals__  # of the module in which numpy has it
        monkeypatch.setitem(inside, "isfileobj", lambda file: False)  # else numpy writes in C
        for module, save in SAVERS.items():
            monkeypatch.setattr(import_module(module), "save_file", _saver(save))
        lstmvis = import_module("charrnn.neurons.lstmvis")
        monkeypatch.setattr(lstmvis, "_Disk", type("_Disk", (lstmvis._Disk, files), {}))

    def count(self, name, path):
        """Count a call on a path in the folder; raise its error where it is the one to fail."""
        if path is None or not os.path.join(path, "").startswith(self._folder):
            return
        self.calls.append(f"{name} {path.removeprefix(self._folder)}")
        if len(self.calls) == self._at:
            raise OSError(self._number, os.strerror(self._number), path)

    def path_of(self, place, dir_fd=None):
        """The absolute path of a name or of an open file; None for what is no file."""
        if isinstance(place, int):
            return self._paths.get(place)
        before = os.getcwd() if dir_fd is None else self._paths.get(dir_fd, "/")
        return os.path.normpath(os.path.join(before, os.fsdecode(place)))

    def keep(self, number, path):
        """Note the path of an open file."""
        self._paths[number] = path

    def forget(self, number):
        """Return the path of a file that is about to be closed."""
        return self._paths.pop(number, None)

    def _watched(self, name, call):
        def watched(place=".", *arguments, **options):
            dir_fd = options.get("dir_fd", options.get("src_dir_fd"))
            self.count(name, self.path_of(place, dir_fd))
            return call(place, *arguments, **options)

        return watched

    def _opened(self, path, flags, mode=0o777, *, dir_fd=None):
        where = self.path_of(path, dir_fd)
        self.count("open", where)
        number = self._open(path, flags, mode, dir_fd=dir_fd)
        self.keep(number, where)
        return number

    def _closed(self, number):
        path = self.forget(number)
        self._close(number)  # also where it fails, the file is closed
        self.count("close", path)

    def _opener(self, original):
        def opened(file, *arguments, **options):
            path = self.path_of(file)
            inside = path is not None and path.startswith(self._folder)
            return (_pyio.open if inside else original)(file, *arguments, **options)

        return opened


def _files_of(disk):
    """The class of the raw files that are opened on a disk."""

    class File(io.FileIO):
        def __init__(self, file, mode="r", closefd=True, opener=None):
            self._path = disk.path_of(file)
            if opener is None and not isinstance(file, int):
                disk.count("open", self._path)
            super().__init__(file, mode, closefd, opener)
            disk.keep(self.fileno(), self._path)

        def write(self, content):
            try:
                disk.count("write", self._path)
            except InterruptedError:  # nothing was written yet, else the system would tell how much
                raise
            except OSError:
                super().write(memoryview(content).cast("B")[: len(content) // 2])
                raise
            return super().write(content)

        def truncate(self, size=None):
            disk.count("truncate", self._path)
            return super().truncate(size)

        def close(self):
            path = None if self.closed else disk.forget(self.fileno())
            super().close()
            disk.count("close", path)

    def reading(name):
        def read(self, *arguments):
            disk.count("read", self._path)
            return getattr(io.FileIO, name)(self, *arguments)

        return read

    for name in ("read", "readall", "readinto"):
        setattr(File, name, reading(name))
    return File


def _saver(save):
    """A `save_file` of safetensors that tells of errors in its words."""

    def save_file(tensors, path, metadata):
        content = save(tensors, metadata)
        try:
            with open(path, "wb", buffering=0) as file:
                file.write(content)
        except OSError as error:
            raise SafetensorError(
                f"Error while serializing: I/O error: {error.strerror} (os error {error.errno})"
            ) from None

    return save_file


def rebuild(template, folder):
    """Make a folder the copy of another, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
