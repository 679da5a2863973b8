"""How a row of the tables in this folder is held to what it says: the exit status, and the line that the user sees."""

import json
import re

import pytest
from safetensors import safe_open
from safetensors.numpy import save
from servers import poems, server

from charrnn.model.checkpoint import seal

__all__ = ["poems", "server"]

ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # on a terminal


def held(result, status, says):
    """One line for an error and no traceback, with nothing in it that a terminal would act on; and it says so."""
    lines = result.err.splitlines()
    assert result.status == status, result.err
    assert "Traceback" not in result.err
    assert "unexpected" not in result.err
    assert not ACTING.search(result.err)
    if status:
        assert result.out == ""
        assert lines[-1].startswith("Error: ")
    assert says in (lines[-1] if status else result.err + result.out), result.err
    return result


@pytest.fixture
def row(charrnn):
    """A function that calls the command line and holds what it tells to a row's status and message."""
    return lambda arguments, status, says, **how: held(charrnn(*arguments, **how), status, says)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def reseal():
    """A function that changes header and tensors of a checkpoint file and seals it again, as a stranger would."""

    def resealed(path, change):
        with safe_open(path, framework="numpy") as file:
            metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header = json.loads(metadata["header"])
        changed = change(header, tensors)
        text = changed if isinstance(changed, str) else json.dumps(header)
        path.write_bytes(save(tensors, metadata | {"header": text, "digest": seal("1", text.encode(), tensors)}))

    return resealed
