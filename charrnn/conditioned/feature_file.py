"""Writing a file of features picture by picture, so that what was done before a stop is not done again."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from shutil import copyfileobj
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import msgspec
import numpy as np
from filelock import FileLock, Timeout

from charrnn.conditioned.pictures import Extractor, read_picture
from charrnn.errors import RunError, SourceError, check_choice
from charrnn.files import append, replacing

SUFFIXES = (".npz", ".safetensors")


class FeatureFile:
    """A file of features that grows beside its place, in PATH.part, and is put there when it is whole."""

    def __init__(self, path: Path, extractor: Extractor) -> None:
        check_choice("the ending of a file of features", path.suffix.lower(), SUFFIXES)
        self.path, self._extractor = path, extractor
        self._rows, self._names = Path(f"{path}.part"), Path(f"{path}.part.jsonl")
        self._row = int(np.prod(extractor.shape)) * np.dtype(extractor.dtype).itemsize  # bytes
        self.names: list[str] = []

    @contextmanager
    def open(self) -> Iterator["FeatureFile"]:
        """Take up what an earlier run has left, while no other process does.

        Raises:
            RunError: another process writes it, or what is left was made by another extractor.
            OSError: it cannot be written.
        """
        lock = FileLock(f"{self._rows}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunError(f"another process writes {self.path}", "wait for it, or name another file") from None
        try:
            self._take_up()
            yield self
        finally:
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)

    def extract(self, pictures: Iterable[tuple[str, Path]]) -> Iterator[str | None]:
        """Extract pictures that are not there yet; yield None for each, or why it was skipped."""
        there = set(self.names)
        for name, path in pictures:
            if name in there:
                yield None
                continue
            try:
                found = self._extractor(read_picture(path))
            except SourceError as error:
                yield error.problem
                continue
            append(self._rows, np.ascontiguousarray(found, self._extractor.dtype).tobytes())
            append(self._names, f"{json.dumps(name)}\n".encode())
            there.add(name)
            self.names.append(name)
            yield None

    def size(self, images: int) -> int:
        """Return the bytes that so many images take."""
        return images * self._row

    def finish(self) -> None:
        """Write the file, and remove what it was made of. Raises SourceError where there is no picture in it."""
        if not self.names:
            raise SourceError("no picture could be read", "give pictures such as PNG or JPEG")
        with replacing(self.path) as temporary:
            (self._npz if self.path.suffix.lower() == ".npz" else self._safetensors)(temporary)
        self._rows.unlink()
        self._names.unlink()

    def _take_up(self) -> None:
        told = self._told()
        if self._names.exists() and self._rows.exists():
            first, *names = self._names.read_text("utf-8").split("\n")
            if first != told:
                raise RunError(
                    f"{self._rows} is of another extractor", f"remove it and {self._names.name}, or name another file"
                )
            whole = min(self._rows.stat().st_size // self._row, max(0, len(names) - 1))  # a last line may be half
            self.names = [json.loads(name) for name in names[:whole]]
        append(self._rows, b"")
        os.truncate(self._rows, len(self.names) * self._row)
        with replacing(self._names) as temporary:
            temporary.write_text("\n".join([told, *map(json.dumps, self.names), ""]), "utf-8")

    def _told(self) -> str:
        made = self._extractor
        return json.dumps([asdict(made.extraction), made.shape, np.dtype(made.dtype).str])

    @property
    def _shape(self) -> tuple[int, ...]:
        return len(self.names), *self._extractor.shape

    def _npz(self, temporary: Path) -> None:
        extraction = msgspec.json.encode(asdict(self._extractor.extraction)).decode()
        with ZipFile(temporary, "w", ZIP_STORED, allowZip64=True) as archive:
            for name, array in (("names", np.array(self.names)), ("extraction", np.array(extraction))):
                content = BytesIO()
                np.save(content, array, allow_pickle=False)
                archive.writestr(ZipInfo(f"{name}.npy"), content.getvalue())  # of no time: the same gives the same
            with archive.open(ZipInfo("features.npy"), "w", force_zip64=True) as file:
                descr = {"descr": np.dtype(self._extractor.dtype).str, "fortran_order": False, "shape": self._shape}
                np.lib.format.write_array_header_1_0(file, descr)
                with open(self._rows, "rb") as rows:
                    copyfileobj(rows, file, 1 << 20)

    def _safetensors(self, temporary: Path) -> None:
        kinds: dict[Any, str] = {np.dtype(np.uint8): "U8", np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}
        size = os.path.getsize(self._rows)
        tensor = {"dtype": kinds[np.dtype(self._extractor.dtype)], "shape": self._shape, "data_offsets": [0, size]}
        told = {
            "names": json.dumps(self.names),
            "extraction": msgspec.json.encode(asdict(self._extractor.extraction)).decode(),
        }
        header = json.dumps({"__metadata__": told, "features": tensor}).encode()
        header += b" " * (-len(header) % 8)
        with open(temporary, "wb") as file, open(self._rows, "rb") as rows:
            file.write(len(header).to_bytes(8, "little") + header)
            copyfileobj(rows, file, 1 << 20)
