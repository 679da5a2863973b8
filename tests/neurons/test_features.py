"""The features against passages labelled by hand, and against Python's own tokenizer."""

import ast
import heapq
import io
import re
import sys
import tokenize
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn.errors import ConfigError
from charrnn.neurons.features import FEATURES, feature_named

inside_quotes = FEATURES["inside_quotes"].values
python_comment_or_string = FEATURES["python_comment_or_string"].values
law = settings(max_examples=100)


def labels(feature, text):
    return "".join(str(int(value)) for value in feature(text.replace("↵", "\n")))


# Each passage stands above its labels; ↵ stands for a newline.
# fmt: off
QUOTATIONS = {
    "quotes as German has them":
        ("„a“ b“c”",
         "11000110"),
    "straight quotes":
        ('he said "yes" twice',
         "0000000011110000000"),
    "curly quotes":
        ("he said “yes” twice",
         "0000000011110000000"),
    "two quotations":
        ("“a” “b”",
         "1100110"),
    "an opening quote inside a quotation":
        ("“a “b” c",
         "11111000"),
    "a closing quote outside":
        ("a” b",
         "0000"),
    "an empty quotation":
        ('""',
         "10"),
    "apostrophes and single quotes":
        ("don't 'quote' me",
         "0000000000000000"),
    "curly apostrophes":
        ("rock ’n’ roll",
         "0000000000000"),
    "an apostrophe in a quotation":
        ('''"it's" fine''',
         "11111000000"),
    "a quotation over two lines":
        ('"a↵b" c',
         "1111000"),
    "a blank line ends it":
        ('"a↵↵b',
         "11100"),
    "a blank line, then a quotation":
        ('a"↵↵"b" c',
         "011011000"),
    "a blank line in curly quotes":
        ("“a↵↵b”",
         "111000"),
}

SOURCES = {
    "a comment runs to the end of its line":
        ("x # y↵z",
         "0011100"),
    "a comment may be empty":
        ("#↵z",
         "100"),
    "a string of single quotes":
        ("a='b'+c",
         "0011000"),
    "a string of double quotes":
        ('a="b"+c',
         "0011000"),
    "a hash in a string":
        ("'#'+x",
         "11000"),
    "quotes in a comment":
        ("# it's so↵x",
         "11111111100"),
    "a quote at a comment's end":
        ("#'↵'a'",
         "110110"),
    "the other quote in a string":
        ('''+"it's"+x''',
         "011111000"),
    "an escaped quote":
        (r"'a\'b'+x",
         "11111000"),
    "an escaped backslash":
        (r"'a\\'+x",
         "1111000"),
    "a backslash before a hash":
        (r"'\#'+x",
         "111000"),
    "a backslash outside":
        (r"a\↵'b'",
         "000110"),
    "a backslash at a comment's end":
        (r"# a\↵x",
         "111100"),
    "a continued string":
        (r"'a\↵b'+x",
         "11111000"),
    "an empty string, then code":
        ("''+x",
         "1000"),
    "an empty string, then a string":
        ("'' 'a'",
         "100110"),
    "an empty string beside one of the other quote":
        ("""''"a"+x""",
         "1011000"),
    "an unterminated string ends with its line":
        ("'a↵x='b'",
         "11000110"),
    "three single quotes":
        ("""'''a'b'''+x""",
         "10111111000"),
    "three double quotes over lines":
        ('''"""a↵"b#"""+x''',
         "1011111111000"),
    "an empty string of three quotes":
        ("""''''''+x""",
         "10111000"),
    "two quotes inside three":
        ("""'''a''b'''+x""",
         "101111111000"),
    "a quote right after the opening three":
        ("""''''a'''+x""",
         "1011111000"),
    "an escaped quote inside three":
        (r"""'''a\'b'''+x""",
         "101111111000"),
    "an escaped quote right before the closing three":
        (r"""'''a\''''+x""",
         "10111111000"),
    "an escaped backslash right before the closing three":
        (r"""'''a\\'''+x""",
         "10111111000"),
    "a comment after three":
        ("""'''a'''#b↵x""",
         "10111101100"),
    "a raw prefix":
        (r"r'\'#'+x",
         "01111000"),
}
# fmt: on


@pytest.mark.parametrize("name", QUOTATIONS)
def test_inside_quotes_as_labelled_by_hand(name):
    text, expected = QUOTATIONS[name]
    assert labels(inside_quotes, text) == expected


@pytest.mark.parametrize("name", SOURCES)
def test_python_comments_and_strings_as_labelled_by_hand(name):
    text, expected = SOURCES[name]
    assert labels(python_comment_or_string, text) == expected


def tokenized(source):
    """Tell by Python's own tokenizer which characters stand in comments and strings (their last quotes do not)."""
    values = np.zeros(len(source))
    starts = [0, *np.cumsum([len(line) for line in source.splitlines(keepends=True)])]
    opened = []  # where the f-strings around a token began: since Python 3.12 their parts are tokens
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        begin, end = (starts[row - 1] + column for row, column in (token.start, token.end))
        kind = tokenize.tok_name[token.type]
        if kind in ("FSTRING_START", "TSTRING_START"):
            opened.append(begin + len(token.string.rstrip("\"'")))
        elif kind in ("FSTRING_END", "TSTRING_END"):
            _mark(values, source, opened.pop(), end)
        elif kind == "COMMENT":
            values[begin:end] = 1
        elif kind == "STRING" and not opened:
            _mark(values, source, end - len(token.string.lstrip("rbfRBF")), end)
    return values


def _mark(values, source, begin, end):
    values[begin : end - 1] = 1
    if end - begin >= 6 and source[begin : begin + 3] == 3 * source[begin]:
        values[begin + 1] = 0  # so far it is an empty string


strings = st.sampled_from([
    "''", '""', "'a'", '"b#"', r"'\''", r'"\\"', r"r'\''", "b'c'", "'\"'", "'a\\\nb'",
    "''''''", '"""d"""', r"""'''\''''""", '"""e\n\'f\'\'"#"""', "''''g'''", r"""'''h\\'''""", '"""\'\'\'"""',
])  # fmt: skip
comments = st.sampled_from(["", "# i'\n", "#\n", "#'''\n", "\n", '# "\\\n'])


@law
@given(st.lists(st.tuples(strings, comments), max_size=8))
def test_python_comments_and_strings_are_those_of_the_tokenizer(parts):
    source = "(\n" + "".join(f"{string} {comment}, " for string, comment in parts) + ")\n"
    np.testing.assert_array_equal(python_comment_or_string(source), tokenized(source))


FIELDS = {  # as Python 3.12 reads them; what is of a string, but for its last quote, stands in ‹›, and ↵ is a newline
    "its own quotes in a field": """x = f‹"{d["a"]}!›" + y""",
    "nested three deep": """f‹"{f"{f"{1}"}"}›" z""",
    "a format with a field": """f‹"{x:'>{w["n"]}}›" z""",
    "braces that stand for themselves": """f‹"{{›" + ‹"}}›" z""",
    "a comment and line ends in a field": """f‹"{ # "↵ x↵}›" z""",
    "a named character": r"""f‹"\N{DASH}{a["b"]}›" z""",
    "a named character is none in a raw one": r"""rf‹"\N{a["b"]}›" z""",
    "an escaped brace opens a field": r"""f‹"\{a["b"]}›" z""",
    "a comparison and a slice in a field": """f‹"{a[1:2] != b!r:>3}›" z""",
    "not an f-string": """b‹"{›" + c[‹"a›"] z""",
    "a template string": """t‹"{d["a"]}›" z""",
    "a line end in a format ends the string": """f‹"{d:a›↵ z""",
}


@pytest.mark.parametrize("name", FIELDS)
def test_python_fstrings_end_where_the_newest_python_ends_them(name):
    pieces = re.split("[‹›]", FIELDS[name])  # outside and inside in turn
    expected = "".join(str(number % 2) * len(piece) for number, piece in enumerate(pieces))
    assert labels(FEATURES["python_string"].values, "".join(pieces)) == expected


@pytest.mark.skipif(sys.version_info < (3, 12), reason="older tokenizers end such strings elsewhere")
@pytest.mark.filterwarnings("ignore:.*invalid escape sequence")  # as \{ is one
@pytest.mark.parametrize("name", [name for name in FIELDS if "template" not in name and "line end in" not in name])
def test_python_fstrings_end_where_the_tokenizer_ends_them(name):
    source = FIELDS[name].translate({ord("↵"): "\n", ord("‹"): None, ord("›"): None}) + "\n"
    np.testing.assert_array_equal(python_comment_or_string(source), tokenized(source))


def test_python_comments_and_strings_of_a_module_are_those_of_the_tokenizer():
    source = Path(heapq.__file__).read_text("utf-8")
    np.testing.assert_array_equal(python_comment_or_string(source), tokenized(source))


def places_of_lines(source):
    return [0, *np.cumsum([len(line) for line in source.splitlines(keepends=True)])]


@pytest.mark.parametrize("module", [heapq, tokenize, ast])
def test_python_strings_that_begin_statements_are_those_of_the_syntax_tree(module):
    source = Path(module.__file__).read_text("utf-8")
    lines = places_of_lines(source)
    begins = {
        int(lines[node.lineno - 1]) + node.col_offset
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    ons = set(np.flatnonzero(np.diff(FEATURES["python_docstring"].values(source), prepend=0) == 1).tolist())
    prefixes = {begin + 1 for begin in begins if source[begin] in "rR"}
    begins = {begin for begin in begins if source[begin] not in "rR"} | prefixes
    assert begins
    assert ons - {begin + 2 for begin in begins} == begins  # two quotes may be an empty string, the third begins again


@pytest.mark.parametrize("module", [heapq, tokenize, ast])
def test_python_brackets_of_a_module_are_those_of_the_tokenizer(module):
    source = Path(module.__file__).read_text("utf-8")
    lines = places_of_lines(source)
    changes = {bracket: np.zeros(len(source)) for bracket in "()[]{}"}
    fstrings = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        fstrings += (kind == "FSTRING_START") - (kind == "FSTRING_END")  # since Python 3.12
        if kind == "OP" and token.string in changes and not fstrings:
            changes[token.string][lines[token.start[0] - 1] + token.start[1]] = 1
    for name, (opening, closing) in {"parenthesis": "()", "bracket": "[]", "brace": "{}"}.items():
        depths = FEATURES[f"python_{name}_depth"].values(source)
        np.testing.assert_array_equal(depths, np.cumsum(changes[opening] - changes[closing]))


@pytest.mark.parametrize("name", FEATURES)
def test_an_empty_text_has_no_values(name):
    assert feature_named(name).values("").shape == (0,)


nasty_text = st.text(alphabet="abiIf9 \t\n\"'#\\“”é:.!?(){}[]</*>-_@", max_size=40)
nasty_words = st.lists(
    st.sampled_from([
        "if ", "if(", "while", "(", ")", "\n\n", "\n", "}", "/*", "*/", "//", "#if ", "\\\n", '"', "'", 3 * "'",
        "def f", "http://", "www.", "<a ", "<!--", "-->", "A:", ":", "x", " ", "1",
    ]),
    max_size=15,
).map("".join)  # fmt: skip
texts = nasty_text | nasty_words
PAST_ONLY = [name for name, feature in FEATURES.items() if not feature.predictive]


@pytest.mark.parametrize("name", PAST_ONLY)
@law
@given(text=texts, end=st.integers(0, 40))
@example(text="'a'b'", end=4)
@example(text="a\n\n\nb", end=2)
@example(text="/*/*/", end=3)
def test_a_feature_looks_at_the_past_only(name, text, end):
    values = feature_named(name).values
    np.testing.assert_array_equal(values(text[:end]), values(text)[:end])


@pytest.mark.parametrize("name", sorted(set(FEATURES) - set(PAST_ONLY)))
@law
@given(text=texts.filter(bool), end=st.integers(0, 40))
def test_what_comes_next_is_told_by_one_character_more_and_unknown_at_the_end(name, text, end):
    values = feature_named(name).values
    np.testing.assert_array_equal(values(text[: end + 1])[:-1], values(text)[:end][: len(text) - 1])
    assert np.isnan(values(text)[-1])


@pytest.mark.parametrize("name", FEATURES)
@law
@given(text=texts)
def test_a_feature_has_one_value_per_character_and_a_binary_one_only_0_and_1(name, text):
    feature = feature_named(name)
    values = feature.values(text)
    assert values.shape == (len(text),)
    assert not feature.binary or set(values[~np.isnan(values)]) <= {0.0, 1.0}


def test_features_are_found_by_their_names():
    assert all(feature_named(name).name == name for name in FEATURES)


def test_an_unknown_feature_is_refused_with_the_choices():
    with pytest.raises(ConfigError, match="there is no feature 'smell'; 'charrnn neurons features' lists"):
        feature_named("smell")


def test_a_feature_sees_one_item_at_a_time():
    from charrnn.text.vocabulary import END

    items = ['say "a', "b (c", "", "\n\nd e\n", "f"]
    for feature in FEATURES.values():
        found = feature.values(END + END.join([*items, ""]))
        start = 1
        for item in items:
            expected = feature.values(item) if item else np.zeros(0)
            np.testing.assert_array_equal(found[start : start + len(item)], expected)
            assert np.isnan(found[start - 1])
            start += len(item) + 1
        assert start == len(found)
