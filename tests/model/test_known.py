"""Known units: names for what single units were found to follow."""

from dataclasses import replace

import pytest

from charrnn.errors import ConfigError
from charrnn.model.config import ModelConfig
from charrnn.model.known import MOST, KnownUnit, check, joined, named, of_unit
from charrnn.model.units import Unit

QUOTES = KnownUnit("inside_quotes", "1:4", "tanh_c", 1, "AUC", 0.998, "tolstoy", "test")
LENGTH = KnownUnit("quote_length", "1:4", "h", -1, "Spearman's ρ", 0.9, "tolstoy")
PLACE = KnownUnit("line_position", "0:2", "tanh_c", 1, "Spearman's ρ", -0.97, "tolstoy")
KNOWN = (QUOTES, LENGTH, PLACE)


def test_a_name_is_a_feature_or_one_word_of_it():
    assert [named(KNOWN, name) for name in ("inside_quotes", "quotes", "position")] == [QUOTES, QUOTES, PLACE]


@pytest.mark.parametrize("name", ["0:42", ":", "0:", ":3", "00:x"])
def test_what_is_written_as_a_unit_is_no_name(name):
    assert named(KNOWN, name) is None


@pytest.mark.parametrize("name", ["quot", "", "42", "tolstoy", "inside quotes"])
def test_another_name_is_refused_with_those_there_are(name):
    with pytest.raises(ConfigError, match=r"is no unit.*inside_quotes"):
        named(KNOWN, name)


def test_without_known_units_the_way_to_get_them_is_told():
    with pytest.raises(ConfigError, match=r"is no unit; write LAYER:INDEX.*find --save"):
        named((), "quotes")


def test_a_word_of_two_features_is_refused():
    with pytest.raises(ConfigError, match="may mean inside_quotes or inside_verse"):
        named((QUOTES, replace(QUOTES, feature="inside_verse")), "inside")


def test_a_word_means_the_feature_with_the_shortest_name():
    assert named((replace(QUOTES, feature="inside_quotes_or_verse"), QUOTES), "quotes") is QUOTES


def test_the_best_finding_of_a_unit_and_signal_is_its_title():
    assert of_unit(KNOWN, Unit(1, 4), "tanh_c").title == "inside quotes · AUC 1.00 · unit 1:4"
    assert of_unit(KNOWN, Unit(0, 2), "h") is None
    assert of_unit((replace(QUOTES, score=0.9), QUOTES), Unit(1, 4), "tanh_c") is QUOTES


def test_a_search_replaces_what_was_known_of_its_features():
    better = replace(QUOTES, unit="0:1")
    assert joined(KNOWN, ["inside_quotes", "line_position"], [better]) == (LENGTH, better)


@pytest.mark.parametrize(
    "known",
    [
        [replace(QUOTES, unit="2:0")],
        [replace(QUOTES, unit="0:5")],
        [replace(QUOTES, unit="0:<b>")],
        [QUOTES] * (MOST + 1),
    ],
)
def test_a_file_that_names_units_of_another_network_is_refused(known):
    with pytest.raises(ConfigError):
        check(known, ModelConfig(9, num_layers=2, hidden_size=5))


@pytest.mark.parametrize("change", [{"score": 1.5}, {"score": float("nan")}, {"feature": "x" * 201}])
def test_values_out_of_range_are_refused(change):
    with pytest.raises(ConfigError):
        replace(QUOTES, **change)
