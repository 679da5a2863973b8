"""Images as a memory: features read row by row, the grid in numpy and torch alike, captions and questions as rows."""

import json
import random
import struct

import numpy as np
import pytest
import torch
from PIL import Image

from charrnn.conditioned import scenes
from charrnn.conditioned.captions import read_images
from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.examples import Origin, read_examples
from charrnn.conditioned.extractors import made_by
from charrnn.conditioned.feature_file import FeatureFile
from charrnn.conditioned.features import Extraction, read_features
from charrnn.conditioned.feed import Pair, batch_of
from charrnn.conditioned.grid import neighbours
from charrnn.conditioned.network import ConditionedRNN
from charrnn.conditioned.pictures import Patches, pictures_in, read_picture
from charrnn.conditioned.pointing import covered, pointing_at
from charrnn.conditioned.reader import Reader
from charrnn.conditioned.rows import Columns
from charrnn.conditioned.scoring import nearest_images, with_shuffled_sources
from charrnn.errors import ConfigError, RunError, SourceError

SIZES = {"output_size": 5, "hidden_size": 6, "memory_size": 8, "embedding_size": 3, "attention_size": 4}
SEEN = {"feature_size": 3, "grid": (5, 4)}


def network(**options):
    made = ConditionedRNN(ConditionedConfig(**{"source_size": 0, **SIZES, **SEEN, **options}))
    for _, weight in made.named_weights():
        weight.data.normal_(std=0.4, generator=torch.Generator().manual_seed(weight.numel()))
    return made


@pytest.fixture
def features(tmp_path):
    """A file of six images of 5 × 4 cells."""
    values = np.random.default_rng(0).normal(size=(6, 5, 4, 3)).astype(np.float32)
    path = tmp_path / "six.npz"
    np.savez(path, names=np.array([f"{n}.png" for n in range(6)]), features=values)
    return read_features(str(path))


PAIRS = [Pair(np.array([n % 3, 1], np.int64)[: n % 2 + 1], np.array([n % 5, 2]), n) for n in range(6)]


@pytest.mark.parametrize("source_size", [0, 4])
@pytest.mark.parametrize("convolutions", [0, 1, 2])
@pytest.mark.parametrize("attention", ["none", "soft", "hard"])
def test_the_grid_is_the_same_in_numpy_and_torch(features, source_size, convolutions, attention):
    made = network(source_size=source_size, convolutions=convolutions, attention=attention, feature_mean=0.1)
    batch = batch_of(PAIRS, 5, features=features)
    with torch.no_grad():
        logits, weights = made(batch)
    reader = Reader(made.config, made.weights())
    memory = reader.memory(batch.sources, batch.mask, batch.images)
    assert weights.shape[2] == memory.values.shape[1] == np.prod(made.config.cells)
    assert (memory.asked is None) == (source_size == 0)
    state = reader.decoder.begin(memory)
    for t in range(batch.given.shape[1]):
        taken = reader.decoder.take(memory, reader.decoder.inputs(batch.given[:, t]), state)
        state = taken.state
        np.testing.assert_allclose(reader.decoder.logits(taken.h), logits[:, t], atol=2e-5)
        np.testing.assert_allclose(taken.weights, weights[:, t], atol=2e-5)


def test_a_convolution_equals_torch_s(features):
    x = torch.from_numpy(features.rows([0, 1]))
    w = torch.randn(2, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    of_torch = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), w, stride=2, padding=1).permute(0, 2, 3, 1)
    assert torch.allclose(neighbours(x) @ w.permute(0, 2, 3, 1).reshape(2, -1).T, of_torch, atol=1e-5)


def test_a_question_changes_where_a_model_looks(features):
    made = network(source_size=4)
    asked = [pair._replace(image=0) for pair in PAIRS[:2]]
    with torch.no_grad():
        _, weights = made(batch_of(asked, 5, features=features))
    assert not torch.allclose(weights[0, 0], weights[1, 0])


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_features_that_were_stopped_go_on_and_equal_those_that_were_not(tmp_path, suffix):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for n in range(5):
        Image.new("RGB", (9, 7), (50 * n, 0, 0)).save(folder / f"{n}.png")
    (folder / "3.png").write_bytes(b"\x89PNG no picture")
    made, found = Patches(8, 4), list(pictures_in([str(folder)]))
    whole, stopped = FeatureFile(tmp_path / f"whole{suffix}", made), tmp_path / f"stopped{suffix}"
    with whole.open():
        problems = list(whole.extract(found))
        whole.finish()
    assert [problem is None for problem in problems] == [True, True, True, False, True]
    with FeatureFile(stopped, made).open() as file:
        extracting = file.extract(found)
        next(extracting)
        next(extracting)
        extracting.close()
    with (tmp_path / f"stopped{suffix}.part").open("ab") as rows:
        rows.write(b"half a row")
    with FeatureFile(stopped, made).open() as file:
        assert file.names == ["0.png", "1.png"]
        list(file.extract(found))
        file.finish()
    assert whole.path.read_bytes() == stopped.read_bytes()
    read = read_features(str(stopped))
    assert (read.names, read.shape, read.extraction) == (
        ("0.png", "1.png", "2.png", "4.png"),
        (2, 2, 48),
        made.extraction,
    )
    assert made_by(read.extraction) == made
    assert read.rows([3])[0, 0, 0, 0] == pytest.approx(200 / 255)
    assert not list(tmp_path.glob("*.part*"))


def test_what_another_extractor_has_begun_is_refused(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with FeatureFile(tmp_path / "f.npz", Patches(8, 4)).open() as file:
        list(file.extract(pictures_in([str(tmp_path / "a.png")])))
    with (
        pytest.raises(RunError, match=r"f.npz.part is of another extractor; remove it"),
        FeatureFile(tmp_path / "f.npz", Patches(8, 2)).open(),
    ):
        pass


def test_hdf5_is_read(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["names"] = ["a", "b"]
        file["features"] = np.arange(8, dtype=np.float16).reshape(2, 4, 1)
        file.attrs["extraction"] = json.dumps({"extractor": "mine"})
    read = read_features(str(tmp_path / "f.h5"))
    assert (read.shape, read.extraction, read.rows([1]).ravel().tolist()) == (
        (2, 2, 1),
        Extraction("mine"),
        [4, 5, 6, 7],
    )


def damaged(path, kind):
    names, values = np.array(["a", "b"]), np.zeros((2, 4, 3), np.float32)
    if kind == "compressed":
        np.savez_compressed(path, names=names, features=values)
    elif kind == "no names":
        np.savez(path, features=values)
    elif kind == "too few names":
        np.savez(path, names=names[:1], features=values)
    elif kind == "whole numbers":
        np.savez(path, names=names, features=values.astype(int))
    elif kind == "pickle":
        np.savez(path, names=np.array(["a", None], object), features=values)
    elif kind == "no archive":
        path.write_bytes(b"PK nothing")
    elif kind == "no header":
        path.write_bytes(struct.pack("<Q", 1 << 60))


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("f.npz", "compressed", "f.npz is compressed; write it with numpy.savez"),
        ("f.npz", "no names", "f.npz has no 'names'; give arrays of names and features"),
        ("f.npz", "too few names", r"f.npz has 1 names and features of the shape \[2, 4, 3\]; give a name for each"),
        ("f.npz", "whole numbers", "f.npz has features of the type int64; give float16, float32 or uint8"),
        ("f.npz", "pickle", "f.npz cannot be read as features"),
        ("f.npz", "no archive", "f.npz cannot be read as features"),
        ("f.safetensors", "no header", "f.safetensors cannot be read as features"),
        ("f.npz", "nothing", "there is no file .*f.npz; check the path"),
        ("f.pth", "nothing", "f.pth is no file of features; give .npz, .safetensors or .h5"),
    ],
)
def test_what_is_wrong_with_features_is_told_in_one_line(tmp_path, name, kind, says):
    damaged(tmp_path / name, kind)
    with pytest.raises(SourceError, match=says) as error:
        read_features(str(tmp_path / name))
    assert "\n" not in str(error.value)


def test_features_that_are_not_finite_are_named(tmp_path):
    values = np.zeros((2, 4, 3), np.float32)
    values[1, 2, 0] = np.nan
    np.savez(tmp_path / "f.npz", names=np.array(["a", "b"]), features=values)
    with pytest.raises(SourceError, match=r"f.npz has features of b that are not finite; extract"):
        read_features(str(tmp_path / "f.npz")).rows([0, 1])


def test_a_picture_is_upright_opaque_and_in_colour(tmp_path):
    Image.new("LA", (2, 2), (0, 0)).save(tmp_path / "clear.png")
    assert read_picture(tmp_path / "clear.png").getpixel((0, 0)) == (255, 255, 255)
    for content in (b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 40):
        (tmp_path / "odd.png").write_bytes(content)
        with pytest.raises(SourceError, match=r"odd.png cannot be read as a picture \(\w+\); leave it out"):
            read_picture(tmp_path / "odd.png")


KARPATHY = {
    "images": [
        {"filename": "a.jpg", "split": "restval", "sentences": [{"raw": "a dog", "places": [[2, 5, [0, 0, 1, 1]]]}]},
        {"filename": "b.jpg", "split": "test", "sentences": [{"tokens": ["a", "cat"]}]},
    ]
}
COCO = {"images": [{"id": 7, "file_name": "a.jpg"}], "annotations": [{"image_id": 7, "caption": "a dog"}]}
VQA = {"questions": [{"question": "what?", "image_id": 7, "question_id": 70}]}
ANSWERS = {"annotations": [{"question_id": 70, "image_id": 7, "multiple_choice_answer": "a dog", "answers": []}]}
CLEVR = {"questions": [{"question": "how many?", "image_filename": "a.jpg", "split": "val", "answer": 2}]}


@pytest.mark.parametrize(
    ("files", "rows", "kind"),
    [
        ({"d.json": KARPATHY}, [("", "a dog", "a.jpg", "train"), ("", "a cat", "b.jpg", "test")], "character"),
        ({"c.json": COCO}, [("", "a dog", "a.jpg", "")], "character"),
        (
            {"captions_train2014.json": COCO, "captions_val2014.json": COCO},
            [("", "a dog", "a.jpg", "train"), ("", "a dog", "a.jpg", "val")],
            "character",
        ),
        (
            {"l.json": [{"file_path": "x/a.jpg", "captions": ["a", "b"]}]},
            [("", "a", "x/a.jpg", ""), ("", "b", "x/a.jpg", "")],
            "character",
        ),
        ({"q.json": VQA, "a.json": ANSWERS}, [("what?", "a dog", "7", "")], "label"),
        ({"q.json": CLEVR}, [("how many?", "2", "a.jpg", "val")], "label"),
        (
            {"Flickr8k.token.txt": "a.jpg#0\ta dog\na.jpg#1\ta cat\n"},
            [("", "a dog", "a.jpg", ""), ("", "a cat", "a.jpg", "")],
            "character",
        ),
        ({"t.jsonl": '{"image": "a", "caption": "b", "split": "test"}\n'}, [("", "b", "a", "test")], "character"),
        ({"t.tsv": "image\tquestion\tanswer\na\tb\tc\n"}, [("b", "c", "a", "")], "label"),
        ({"t.csv": "image,label\na,c\n"}, [("", "c", "a", "")], "label"),
    ],
)
def test_formats_that_people_bring_are_read_as_they_are(tmp_path, files, rows, kind):
    paths = []
    for name, content in files.items():
        paths.append(str(tmp_path / name))
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    table = read_images(paths, Columns())
    assert [(row.source, row.output, row.image, row.part) for row in table.rows] == rows
    assert table.kind == kind


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", "{", "a.json holds no captions or questions"),
        ("a.json", '{"images": [3]}', "a.json holds no captions or questions"),
        ("a.json", "{}", "a.json has no captions and no questions with answers; give Flickr8k.token.txt"),
        ("a.json", json.dumps(ANSWERS), "answers are given without their questions; name the file of questions"),
        ("a.token.txt", "a.jpg#0\tb\nc\n", "line 2 of .*a.token.txt has no #N and tab"),
        ("a.tsv", "picture name\tcaption\na\tb\n", "a.tsv has no column image, but picture name, caption; name the"),
    ],
)
def test_what_is_wrong_with_captions_is_told_in_one_line(tmp_path, name, content, says):
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(SourceError, match=says):
        read_images([str(tmp_path / name)], Columns())


def test_examples_are_split_by_image_and_those_without_features_are_told(tmp_path, features):
    lines = [{"image": f"{n % 8}.png", "question": f"{n}?", "answer": str(n % 2)} for n in range(40)]
    path = tmp_path / "q.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    read = read_examples(Origin((str(path),), val_fraction=0.2, test_fraction=0.2), features=features)
    images = {part: {example.image for example in found} for part, found in read.parts.items()}
    assert [len(images[part]) for part in ("train", "val", "test")] == [4, 1, 1]
    assert not images["train"] & (images["val"] | images["test"])
    assert read.notes == (f"left out 2 images without features in {features.path}, the first is 6.png",)
    path.write_text('{"image": "0.png", "label": "a"}\n{"image": "1.png", "label": "b"}\n' * 9, "utf-8")
    read = read_examples(Origin((str(path),), val_fraction=0.0, test_fraction=0.0), features=features)
    assert read.notes == (f"4 images of {features.path} without an example",)
    path.write_text('{"image": "x.png", "label": "a"}\n', "utf-8")
    with pytest.raises(SourceError, match=r"has features in .*; names must agree: x.png is not among 0.png"):
        read_examples(Origin((str(path),)), features=features)


def test_an_image_that_is_held_out_is_in_no_other_part(tmp_path, features):
    path = tmp_path / "c.jsonl"
    rows = [("0.png", "train"), ("1.png", "train"), ("1.png", "test")]
    path.write_text(
        "".join(f'{{"image": "{i}", "caption": "c{n}", "split": "{s}"}}\n' for n, (i, s) in enumerate(rows))
    )
    read = read_examples(Origin((str(path),)), features=features)
    assert {part: [e.image for e in found] for part, found in read.parts.items()} == {
        "train": ["0.png"],
        "test": ["1.png"],
    }
    assert "removed 1 image from train that a held-out part has too" in read.notes


def test_shuffled_images_keep_their_questions(features):
    for pair, other in zip(PAIRS, with_shuffled_sources(PAIRS), strict=True):
        assert (other.source is pair.source, other.image != pair.image) == (True, True)
    assert nearest_images(features, [0, 1, 2], [2, 0]).tolist() == [2, 0]


def test_places_are_cells_that_a_box_covers():
    weights = np.zeros((4, 9), np.float32)
    weights[:3, 4], weights[3, 0] = 1, 1
    found = pointing_at([(0, 2, (0.4, 0.4, 0.6, 0.6)), (2, 4, (0.0, 0.0, 0.3, 0.3))], (3, 3), weights)
    assert (found.fields, found.right_fields, found.symbols, found.right_symbols) == (2, 2, 4, 3)
    assert found.chance == pytest.approx(4 / 9)
    assert covered((0, 0, 1, 1), (2, 3)).all()


def test_scenes_are_what_their_captions_and_answers_say():
    choose, answers = random.Random(3), set()
    for _ in range(200):
        things = scenes.scene(choose)
        picture = scenes.drawn(things, 255)
        for raw, places in scenes.captions(things):
            for begin, end, box in places:
                assert box in {a.box for a in things if a.name == raw[begin:end]}
                assert 0 <= box[0] < box[2] <= 1
            assert len(places) == 2
        for thing in things:
            if thing.shape != "ring":
                seen = picture.getpixel((round(thing.x), round(thing.y)))
                assert np.abs(np.subtract(seen, scenes.COLOURS[thing.colour])).max() < 60
        answers |= {asked.answer for asked in scenes.questions(things, choose)}
    assert answers <= set(scenes.ANSWERS)
    assert len(scenes.ANSWERS) == 22
    assert len(answers) > 19


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"convolutions": 4}, "convolutions is 4; give fewer"),
        ({"feature_size": 0}, "source_size is 0; give a value from 1"),
        ({"grid": (0, 4)}, "grid is 0; give"),
    ],
)
def test_sizes_of_images_are_checked(options, says):
    with pytest.raises(ConfigError, match=says):
        ConditionedConfig(**{"source_size": 0, **SIZES, **SEEN, **options})
