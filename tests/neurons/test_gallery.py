"""The laws of the gallery: a planted unit is shown, what a text lacks is not, and the text alone chooses passages."""

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.features import FEATURES
from charrnn.neurons.gallery import CONTROLS, THEMES, changes, cost, exhibits
from charrnn.neurons.passages import passage_with, telling_passage, whole_lines
from charrnn.neurons.search import search


@pytest.fixture(scope="module")
def found(planted):
    text = planted.text(seed=3, inside=40, outside=40, again=0.05)
    ids = planted.letters.encode(text)
    with recorded_columns(planted.quote_neuron, ids, ["h", "tanh_c"]) as columns:
        return (
            text,
            ids,
            {e.theme.name: e for e in exhibits("prose", lambda wanted: search(columns, ids, text, wanted))},
        )


def test_a_planted_unit_is_the_best_of_its_theme(found, planted):
    quotes = found[2]["quotes"]
    assert quotes.found
    assert quotes.finding.unit.index == planted.unit
    assert quotes.finding.verdict == "single unit"


def test_what_the_text_has_none_of_is_told_as_that(found):
    _, _, shown = found
    assert list(shown) == [theme.name for theme in THEMES]
    for name in ("conditions", "comments", "indentation", "speakers"):  # prose has no such feature
        assert (shown[name].feature, shown[name].finding, shown[name].found) == (None, None, False)
    for name in ("newline", "parentheses"):  # and this prose neither lines nor parentheses
        assert shown[name].feature is not None
        assert shown[name].finding is None
    assert not shown["line_position"].found


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_theme_means_features_that_there_are(theme):
    features = [theme.feature(kind) for kind in ("prose", "play", "c", "python", "markup")]
    assert any(features)
    assert {f.kind for f in features if f} <= {"any", "prose", "play", "code", "c", "python"}


def test_to_hold_a_planted_unit_costs_more_than_random_ones_where_its_quotation_ends(found, planted):
    text, ids, shown = found
    read = []
    result = cost(planted.quote_neuron, ids, text, shown["quotes"], 800, on_read=read.append)
    assert sum(read) == 799
    assert len(result.controls) == CONTROLS
    effect = result.effects["closing"]
    assert effect.low > 0
    assert effect.tells


def test_a_feature_changes_in_a_passage_as_what_stands_before_it_says(found):
    quotes = found[2]["quotes"]
    assert changes(quotes, "a “b” c")
    assert not changes(quotes, "abc")
    assert not changes(quotes, "abc", before="“")
    assert changes(quotes, "ab” c", before="“")
    assert not changes(found[2]["speakers"], "A:\nb\n")


def test_a_passage_with_words_prefers_a_line_that_begins_with_them_then_a_definition():
    text = "x = 1;\n\tcall(f);\nint f(void)\n{\nf(2)\n"
    assert text[passage_with(text, "f(") :].startswith("f(2)")
    assert text[passage_with(text, "f(v") :].startswith("int f(void)")
    assert text[passage_with(text, "f)") :].startswith("\tcall(f);")
    assert passage_with(text, "x") == 0


@pytest.mark.parametrize("words", ["nowhere", "", ".*"])
def test_words_that_stand_nowhere_are_an_error(words):
    with pytest.raises(ConfigError, match="no passage"):
        passage_with("some text\n", words)


def test_a_passage_of_a_count_goes_through_its_values():
    flat, steps = "a\n" * 30, "a\n b\n  c\n   d\n" * 4
    text = flat + steps + flat
    start = telling_passage(text, FEATURES["indentation"], 40)
    assert len(flat) <= start < len(flat) + len(steps)


def test_a_passage_of_what_is_to_come_has_about_as_much_of_it_as_the_text():
    short, long = "a\n" * 40, "abcdefghi abcdefghi\n" * 20
    text = short + long * 5
    start = telling_passage(text, FEATURES["newline_next"], 60)
    assert abs(text[start : start + 60].count("\n") - 60 * text.count("\n") / len(text)) <= 2


def test_a_passage_begins_a_paragraph_where_there_are_enough():
    text = "ab “cd” ef\ngh “ij” kl\n\n" * 10
    start = telling_passage(text, FEATURES["inside_quotes"], 20, after=5)
    assert text[start - 2 : start] == "\n\n"


def test_a_passage_is_chosen_from_the_text_alone_and_after_what_units_were_chosen_on():
    random = np.random.default_rng(0)
    text = "".join(random.choice(list("ab “”\n("), 2000))
    for name in ("inside_quotes", "line_position", "newline_next"):
        assert telling_passage(text, FEATURES[name], 100, 1000) >= 1000


def test_whole_lines_are_never_longer_than_asked_for():
    text = "one\ntwo three\n\nfour"
    for length in range(len(text) + 2):
        part = whole_lines(text, length)
        assert text.startswith(part)
        assert len(part) <= length
        assert part.endswith("\n") or len(part) == min(length, len(text))
