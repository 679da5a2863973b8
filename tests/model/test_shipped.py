from pathlib import Path

import pytest

import charrnn
from charrnn.errors import CheckpointError
from charrnn.model import shipped as room
from charrnn.model.checkpoint import load, locate, save
from charrnn.model.shipped import SHIPPED, shipped


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A place for shipped models, empty, and a current folder beside it."""
    place, here = tmp_path / "shipped", tmp_path / "here"
    place.mkdir()
    here.mkdir()
    monkeypatch.setattr(room, "_FOLDERS", (tmp_path / "none", place))
    monkeypatch.chdir(here)
    return place


def test_a_shipped_model_is_found_by_its_name(folder, make_checkpoint):
    save(make_checkpoint(), folder / "tolstoy.safetensors")
    assert locate("tolstoy") == folder / "tolstoy.safetensors"


def test_a_name_means_the_shipped_model_and_a_path_what_lies_there(folder, make_checkpoint, tmp_path):
    save(make_checkpoint(), folder / "tolstoy.safetensors")
    save(make_checkpoint(), tmp_path / "here" / "tolstoy")
    assert locate("tolstoy") == folder / "tolstoy.safetensors"
    assert locate("./tolstoy").resolve() == tmp_path / "here" / "tolstoy"


def test_a_file_that_is_no_shipped_model_is_not_found_by_name(folder, make_checkpoint):
    save(make_checkpoint(), folder / "another.safetensors")
    save(make_checkpoint(), folder / "kernel.safetensors")
    with pytest.raises(CheckpointError, match=r"no model another; give a checkpoint file .*, or one of kernel"):
        locate("another")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_loads_and_is_small(name):
    path = shipped(name)
    if path is None:
        pytest.skip(f"the model {name} is not in this copy of charrnn")
    assert path.stat().st_size <= 10e6
    assert load(path).header.corpus.name == name


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_expects_its_own_kind_of_text_most(name):
    if not all(shipped(other) for other in SHIPPED):
        pytest.skip("not all shipped models are in this copy of charrnn")
    texts = {
        "shakespeare": "\nSERVANT:\nMy lord, the duke doth wait.\n\nKING:\nThen bid him enter; we will hear.\n",
        "tolstoy": '\n\n"I am very glad to see you, Prince," said the countess\nwith a smile, and gave him her hand.\n',
        "kernel": "\nstatic int count_pages(struct page *page)\n{\n\tint i;\n\n\tif (!page)\n\t\treturn -EINVAL;\n}\n",
    }
    nats = {other: charrnn.load(other).score(texts[name]).nats_per_character for other in SHIPPED}
    assert min(nats, key=nats.get) == name
    assert nats[name] < 1.9


@pytest.mark.parametrize("name", SHIPPED)
def test_a_model_s_card_gives_the_figures_in_its_file(name):
    cards = Path(__file__).parents[2] / "checkpoints" / "README.md"
    card = cards.read_text("utf-8").partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    if not card:
        pytest.skip(f"the model {name} is not in this copy of charrnn")
    header = load(shipped(name)).header
    for part, nats in (("val", header.figures.val_nats), ("test", header.figures.test_nats)):
        assert f"| {part} | {header.corpus.split[part]:,} | {nats:.4f} |" in card
    assert f"{header.model.parameters:,} parameters" in card
