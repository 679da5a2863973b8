"""Files of pairs are read as people have them; what is wrong with one is told in one line, with its place."""

import csv
import datetime
import re

import numpy as np
import pytest

from charrnn.conditioned import generated
from charrnn.conditioned.examples import HELD_OUT, Example, Origin, read_examples
from charrnn.conditioned.generated import DATE_FIELDS, date_forms, english_number
from charrnn.conditioned.pointing import pointing, spans
from charrnn.conditioned.rows import Columns, first_suspect, read_rows
from charrnn.errors import CharrnnError
from charrnn.text import store


@pytest.fixture
def write(tmp_path):
    """A function that writes a file and returns its path."""

    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
        return path

    return write


def rows(*paths, source=None, target=None):
    table = read_rows([str(path) for path in paths], Columns(source, target))
    return [(row.source, row.output) for row in table.rows], table.columns


PAIRS = [("cat", "chat"), ("dog, wild", "chien")]


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.tsv", "cat\tchat\ndog, wild\tchien\n", ("1", "2")),
        ("a.txt", "cat\tchat\t9\ndog, wild\tchien\t9", ("1", "2")),
        ("a.tsv", "target\tsource\nchat\tcat\nchien\tdog, wild\n", ("source", "target")),
        ("a.csv", 'input,output\ncat,chat\n"dog, wild",chien\n', ("input", "output")),
        ("a.jsonl", '{"src":"cat","tgt":"chat"}\n\n{"src":"dog, wild","tgt":"chien"}\n', ("src", "tgt")),
    ],
)
def test_a_table_is_read(write, name, content, columns):
    assert rows(write(name, content)) == (PAIRS, columns)


def test_columns_are_named(write):
    path = write("a.csv", "fr,n,en\nchat,1,cat\n")
    assert rows(path, source="en", target="fr") == ([("cat", "chat")], ("en", "fr"))
    assert rows(write("a.jsonl", '{"a": 3, "b": "three"}\n'), source="a", target="b")[0] == [("3", "three")]


def test_two_parallel_files_are_read(write):
    found, columns = rows(write("a.en", "cat\ndog, wild\n"), write("a.fr", "chat\nchien"))
    assert (found, columns) == (PAIRS, ("a.en", "a.fr"))


def test_symbols_may_stand_between_spaces(write):
    assert read_rows([str(write("a.tsv", "ab\tAH B\n"))], Columns(spaced=True)).kind == "spaced"


BAD = {
    "no tab": ([("a.tsv", "a\tb\nc d\n")], "row 2 of a.tsv has no tab; write an input, a tab and an output on each"),
    "no comma": ([("a.csv", "a,b\nc\n")], "row 2 of a.csv has no comma; write an input"),
    "ragged": ([("a.tsv", "source\ttarget\na\tb\tc\n")], "a.tsv: the row that ends in line 2 has 3 cells, and there"),
    "open quotes": ([("a.csv", 'source,target\n"c,d\n')], "a.csv: line 2 is not CSV (unexpected end of data); mend"),
    "no such column": (
        [("a.tsv", "one\tother\na\tb\n")],
        "a.tsv has no column othre; did you mean other? Else choose one of its",
    ),
    "no JSON": ([("a.jsonl", '{"source":"a","target":"b"}\n{"source":\n')], "line 2 of a.jsonl is no JSON object ("),
    "a list": ([("a.jsonl", '{"source":[1],"target":"b"}\n')], "source in line 1 of a.jsonl is no text; choose a"),
    "one class": ([("a.csv", "text,label\na,1\nb,1\nc,1\n")], "a.csv has one class only; give examples of several"),
    "two labels": ([("a.txt", "__label__a x\n__label__a __label__b y\n")], "line 2 of a.txt has several labels; write"),
    "no label": ([("a.txt", "__label__a x\ny\n")], "line 2 of a.txt has no __label__; write one label and a text"),
    "unequal files": (
        [("a", "1\n2\n3\n"), ("b", "1\n2\n")],
        "a has 3 lines and b has 2 lines; they seem to differ from line 3 on; look there for a line too many",
    ),
    "three files": ([("a", "1"), ("b", "1"), ("c", "1")], "3 files of examples are named; give one, or two"),
    "nothing": ([("a.tsv", "\n\n")], "there is no text in a.tsv; give a file of examples, one a line"),
    "no file": ([], "there is no file a.tsv; "),
    "nothing left": ([("a.tsv", "a\t\n\tb\n")], "a.tsv leaves nothing to train on; give more examples"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_told_in_one_line_with_its_place(write, tmp_path, monkeypatch, what):
    files, says = BAD[what]
    monkeypatch.chdir(tmp_path)
    for name, content in files:
        write(name, content)
    column = "othre" if what == "no such column" else None
    names = tuple(name for name, _ in files) or ("a.tsv",)
    with pytest.raises(CharrnnError) as error:
        read_examples(Origin(names, "one" if column else None, column))
    assert str(error.value).startswith(says)
    assert "\n" not in str(error.value)


def test_the_first_suspect_line_is_where_lengths_stop_fitting():
    left = [f"{'word ' * (3 + n % 5)}" for n in range(40)]
    right = [line.upper() for line in left]
    assert first_suspect(left, [*right[:17], "", *right[17:]]) == 18
    assert first_suspect(left, right[:-1]) == 40
    long = [("x" * 60 if n % 3 else "y" * 4) for n in range(30)]
    assert first_suspect(long, long[:9] + long[10:]) in range(8, 13)


def sources(examples, part):
    return {example.source for example in examples.parts.get(part, ())}


def test_the_split_is_by_source_whatever_the_order_of_the_rows(write):
    lines = [f"{n % 70}\t{n}\n" for n in range(140)]  # each source twice, with two outputs
    found = read_examples(Origin((str(write("a.tsv", "".join(lines))),), val_fraction=0.2, test_fraction=0.1))
    again = read_examples(Origin((str(write("b.tsv", "".join(reversed(lines)))),), val_fraction=0.2, test_fraction=0.1))
    for part, size in (("val", 14), ("test", 7), ("train", 49)):
        assert len(sources(found, part)) == size
        assert sources(found, part) == sources(again, part)
    assert not sources(found, "train") & (sources(found, "val") | sources(found, "test"))
    other = read_examples(Origin((str(write("a.tsv", "".join(lines))),), val_fraction=0.2, test_fraction=0.1, seed=1))
    assert sources(other, "val") != sources(found, "val")
    assert "70 sources with more than one output: any of them counts as right" in found.notes
    assert len(read_examples(Origin((str(write("a.tsv", "".join(lines))),))).parts["val"]) == int(HELD_OUT * 70)


def test_a_source_that_is_held_out_is_removed_from_the_other_parts_of_a_folder(write, tmp_path):
    write("set/train.tsv", "a\t1\nb\t2\nc\t3\n")
    write("set/val.tsv", "b\t2\nd\t4\n")
    write("set/test.tsv", "d\t4\n")
    found = read_examples(Origin((str(tmp_path / "set"),)))
    assert [sources(found, part) for part in ("train", "val", "test")] == [{"a", "c"}, {"b"}, {"d"}]
    assert "removed 1 source from train that a held-out part has too" in found.notes
    assert "removed 1 source from val that a held-out part has too" in found.notes


def test_rows_with_an_empty_or_overlong_side_are_left_out_and_counted(write):
    content = "a\t1\n\t2\nc\t \nd\t" + "x" * 500 + "\ne\t5\n"
    found = read_examples(Origin((str(write("a.tsv", content)),), val_fraction=0, test_fraction=0))
    assert sources(found, "train") == {"a", "e"}
    assert "left out 2 rows with an empty side, the first is row 2" in found.notes
    assert "left out 1 row with more than 400 characters on a side, the first is row 4" in found.notes


def test_dates_are_true_in_every_form(tmp_path):
    generated.write("dates", tmp_path / "dates", count=60, seed=2)
    seen = set()
    for part in ("train", "val", "test"):
        with (tmp_path / "dates" / f"{part}.tsv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                date = datetime.date.fromisoformat(row["iso"])
                assert (row["english"], row["iso"], row["korean"]) == date_forms(date)
                assert row["english"] == f"{date:%A}, {date.day} {date:%B} {date.year}"
                seen.add(date)
    assert len(seen) == 60


def test_numbers_are_read_back():
    small = {english_number(n): n for n in range(1, 1000)}
    for number in (*range(1, 2000, 7), 10_000, 70_015, 999_999):
        high, _, low = english_number(number).partition(" thousand")
        words = (small[high], small.get(low.strip(), 0)) if number >= 1000 else (0, small[high])
        assert words == divmod(number, 1000)
    assert len({generated.korean_number(n) for n in range(1, 30_000)}) == 29_999


def test_the_fields_of_dates_are_found_and_pointing_is_counted():
    english, iso, korean = date_forms(datetime.date(2026, 1, 5))
    for name, text in (("english", english), ("iso", iso), ("korean", korean)):
        found = spans(DATE_FIELDS[name], text)
        assert int(re.sub(r"\D", "", text[slice(*found["year"])])) == 2026
        assert int(re.sub(r"\D", "", text[slice(*found["day"])])) == 5
    fields = (DATE_FIELDS["iso"], DATE_FIELDS["iso"])
    looks = [[float(place == step) for place in range(10)] for step in range(10)]
    right = pointing(fields, iso, iso, np.array(looks))
    assert (right.fields, right.right_fields, right.symbols, right.right_symbols) == (3, 3, 8, 8)
    wrong = pointing(fields, iso, iso, np.roll(np.array(looks), 5, axis=1))
    assert (wrong.right_fields, wrong.right_symbols) == (0, 0)
    once = np.array(looks)
    once[9] = 0.1  # the day's second symbol is written without looking anywhere
    assert (pointing(fields, iso, iso, once).right_fields, pointing(fields, iso, iso, once).right_symbols) == (3, 7)
    once[9] = np.arange(10) == 0  # or at a place of another field, and no more than at its own
    assert pointing(fields, iso, iso, once).right_fields == 3
    assert right.chance == pytest.approx((4 * 4 + 2 * 2 + 2 * 2) / 10)


def test_labels_are_a_column_of_any_table(write):
    path = write("a.tsv", "id\tdocument\tlabel\n1\tgood\tyes\n2\tbad\tno\n3\tfine\tyes\n")
    found = read_examples(Origin((str(path),), source="document", label="label", val_fraction=0, test_fraction=0))
    assert found.kind == "label"
    expected = {("good", ("yes",)), ("bad", ("no",)), ("fine", ("yes",))}
    assert {(e.source, e.outputs) for e in found.parts["train"]} == expected
    assert read_examples(Origin((str(write("b.csv", "text,label\na,1\nb,2\n")),))).kind == "label"


def test_lines_of_fasttext_are_read(write):
    found = read_examples(Origin((str(write("a.txt", "__label__1 very good\n__label__0 bad\n")),), val_fraction=0))
    assert found.kind == "label"
    assert {(e.source, e.outputs) for e in found.parts["train"]} == {("very good", ("1",)), ("bad", ("0",))}


def test_each_file_or_each_folder_may_be_a_class(write, tmp_path):
    one, other = write("rt.pos", "good\nvery good\n"), write("rt.neg", "bad\n")
    found = read_examples(Origin((str(one), str(other)), label="file", val_fraction=0))
    expected = {("good", ("pos",)), ("very good", ("pos",)), ("bad", ("neg",))}
    assert {(e.source, e.outputs) for e in found.parts["train"]} == expected
    for name, text in (("pos/1.txt", "good\n\nfilm"), ("pos/2.txt", "fine"), ("neg/1.txt", "bad")):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_text(text, "utf-8")
    found = read_examples(Origin((str(tmp_path / "set"),), label="folder", val_fraction=0))
    expected = {("good film", ("pos",)), ("fine", ("pos",)), ("bad", ("neg",))}
    assert {(e.source, e.outputs) for e in found.parts["train"]} == expected


def test_no_link_leads_out_of_a_folder_of_classes(write, tmp_path):
    secret, inside = write("secret.txt", "my secret\n"), write("own/neg.txt", "bad\n")
    (tmp_path / "own" / "pos.txt").write_text("good\n", "utf-8")
    (tmp_path / "own" / "private.txt").symlink_to(secret)
    (tmp_path / "own" / "again.txt").symlink_to(inside)
    for name in ("pos", "neg"):
        write(f"set-{name}.txt", name)
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "set" / name / "1.txt").write_text(name, "utf-8")
        (tmp_path / "set" / name / "2.txt").symlink_to(secret)
    (tmp_path / "set" / "private").symlink_to(tmp_path / "own")
    for folder, label, classes in (("own", "file", {"pos", "neg", "again"}), ("set", "folder", {"pos", "neg"})):
        found = read_examples(Origin((str(tmp_path / folder),), label=label, val_fraction=0))
        examples = [example for part in found.parts.values() for example in part]
        assert "my secret" not in {example.source for example in examples}
        assert {output for example in examples for output in example.outputs} <= classes
        assert any("that lead out of it or nowhere, not followed" in note for note in found.notes)


def test_no_part_of_a_folder_is_a_link_that_leads_out_of_it(write, tmp_path):
    secret = write("secret.tsv", "a\tb\n" * 9)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.tsv").symlink_to(secret)
    with pytest.raises(CharrnnError, match=r"train.tsv is a link that leads out of its folder; copy the file there"):
        read_examples(Origin((str(tmp_path / "set"),)))


def test_a_name_of_any_length_is_told_short(write):
    path = write("b.csv", f"source,{'x' * 100_000}\ncat,chat\n")
    with pytest.raises(CharrnnError, match="has no column target; choose one of its columns: source, xxx") as caught:
        read_rows([str(path)], Columns("source", "target"))
    assert len(str(caught.value)) < 1000


def test_a_file_of_fields_that_is_larger_than_any_is_not_read_to_its_end(write, tmp_path):
    write("set/train.tsv", "source\ttarget\n" + "".join(f"a{n}\tb\n" for n in range(20)))
    with open(tmp_path / "set" / "fields.json", "wb") as file:
        file.truncate(1 << 42)
    with pytest.raises(CharrnnError, match=r"fields\.json has no regular expression for each column: "):
        read_examples(Origin((str(tmp_path / "set"),)))


def test_named_sets_are_read(tmp_path, monkeypatch):
    texts = {"movie-reviews": "text,label\ngood,positive\nbad,negative\n", "cmudict": "word,phones\ncafe,K AE1 F EY2\n"}
    monkeypatch.setattr(store, "load", texts.get)
    reviews = read_examples(Origin(("movie-reviews",), val_fraction=0))
    assert (reviews.name, reviews.kind, reviews.columns) == ("movie-reviews", "label", ("text", "label"))
    words = read_examples(Origin(("cmudict",), val_fraction=0))
    assert (words.kind, words.parts["train"]) == ("spaced", (Example("cafe", ("K AE F EY",)),))
    with pytest.raises(CharrnnError, match="tolstoy is one text, without pairs; learn it as such"):
        read_examples(Origin(("tolstoy",)))


def test_a_first_line_that_all_parts_of_a_folder_share_names_the_columns(write, tmp_path):
    write("set/train.tsv", "one\tother\na\t1\nb\t2\n")
    write("set/test.tsv", "one\tother\nc\t3\n")
    found = read_examples(Origin((str(tmp_path / "set"),)))
    assert found.columns == ("one", "other")
    assert (sources(found, "train"), sources(found, "test")) == ({"a", "b"}, {"c"})
