"""The memorisation meter: exact, whatever the lengths, chunks and hashes."""

import numpy as np
import pytest

from charrnn.evaluation import memorisation
from charrnn.evaluation.memorisation import LENGTH, Meter, Verbatim, standing_in


@pytest.fixture
def random():
    return np.random.default_rng(0)


def naively(text, sample, length):
    strings = {tuple(text[i : i + length]) for i in range(len(text) - length + 1)}
    return [tuple(sample[i : i + length]) in strings for i in range(len(sample) - length + 1)]


@pytest.fixture
def letters(random):
    """A text in which no long string stands twice."""
    return random.integers(0, 30, 2000).astype(np.uint8)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8, 20])
def test_the_meter_finds_what_a_set_of_all_strings_finds(random, length):
    text, sample = (random.integers(0, 2, size).astype(np.uint8) for size in (300, 90))
    assert standing_in(text, sample, length).tolist() == naively(text.tolist(), sample.tolist(), length)


def test_a_sample_copied_from_the_text_scores_1(letters):
    for start in (0, 777, len(letters) - 160):
        assert Meter(letters).measure(letters[start : start + 160]).share == 1


def test_a_sample_of_characters_that_the_text_lacks_scores_0(letters):
    assert Meter(letters).measure(letters[:160] + 30).share == 0


def test_one_character_amiss_spoils_just_the_strings_that_hold_it(letters):
    sample = letters[100:200].copy()
    sample[50] += 100
    assert np.flatnonzero(~standing_in(letters, sample)).tolist() == list(range(50 - LENGTH + 1, 51))


def test_the_first_and_the_last_string_of_the_text_are_in_it_and_none_goes_over_its_end(letters):
    around = np.concatenate([letters[-LENGTH:], letters[:LENGTH]])
    assert np.flatnonzero(standing_in(letters, around)).tolist() == [0, LENGTH]


def test_a_string_that_lies_across_two_chunks_is_found(letters, monkeypatch):
    for chunk in (1, 7, LENGTH, 64):
        monkeypatch.setattr(memorisation, "_CHUNK", chunk)
        assert standing_in(letters, letters[:160]).all()


def test_strings_of_one_hash_are_compared(letters, monkeypatch):
    monkeypatch.setattr(memorisation, "_hashes", lambda ids, length: np.zeros(len(ids) - length + 1, np.uint32))
    sample = np.concatenate([letters[30:90], letters[:60] + 30])
    assert standing_in(letters, sample).tolist() == naively(letters.tolist(), sample.tolist(), LENGTH)


def test_ids_of_another_size_are_not_taken_for_each_other(letters):
    assert not standing_in(letters, letters[:40].astype(np.int32) + 256).any()
    assert standing_in(letters, letters[:40].astype(np.int64)).all()


def test_a_text_or_a_sample_shorter_than_a_string_holds_none(letters):
    assert standing_in(letters[: LENGTH - 1], letters[:40]).tolist() == [False] * 21
    assert standing_in(letters, letters[: LENGTH - 1]).tolist() == []
    assert Meter(letters).measure(letters[: LENGTH - 1]).share is None


def test_the_yardstick_of_a_validation_part_that_repeats_the_text_is_1_and_of_a_new_one_0(letters):
    sample = letters[:160]
    assert Meter(letters, letters[500:900]).measure(sample).yardstick == 1
    assert Meter(letters, letters[500:900] + 30).measure(sample).yardstick == 0
    half = np.concatenate([letters[500:900], letters[500:900] + 30])
    assert 0.4 < Meter(letters, half).measure(sample).yardstick < 0.6


def test_several_samples_are_measured_together_and_no_string_is_across_two(letters):
    assert Meter(letters).measure(np.stack([letters[:40], letters[100:140] + 30])).share == 0.5
    assert Meter(letters).measure(np.stack([letters[:30], letters[30:60]])).share == 1


def test_the_yardstick_is_over_stretches_as_long_as_the_sample(letters):
    val = np.concatenate([letters[500:530], letters[500:530] + 30])
    assert Meter(letters, val).measure(letters[:30]).yardstick == 0.5  # two stretches, no string across both
    assert Meter(letters, val).measure(letters[:61]).yardstick == 11 / 41  # none is so long: the whole part
    assert Meter(letters, val[: LENGTH - 1]).measure(letters[:30]).yardstick is None
    assert Meter(letters).measure(letters[:30]).yardstick is None


def test_a_text_beyond_the_bound_is_looked_at_up_to_it_and_says_so(letters, monkeypatch):
    monkeypatch.setattr(memorisation, "SEARCHED", 1000)
    meter = Meter(letters)
    assert meter.measure(letters[960:1000]) == Verbatim(1.0, None, 1000)
    assert meter.measure(letters[1000:1040]) == Verbatim(0.0, None, 1000)


def test_a_person_reads_the_share_beside_the_yardstick():
    assert str(Verbatim(0.125, 0.04, 99)) == "12.5 % verbatim (real text 4.0 %)"
    assert str(Verbatim(1.0, None, 99)) == "100.0 % verbatim"


NEWLINE, SPACE = 40, 41


def as_lines(names):
    return np.concatenate([np.append(name, NEWLINE) for name in names]).astype(np.uint8)


def test_of_short_lines_whole_ones_are_counted(random):
    """A list that is shuffled has few strings of 20 characters in common with itself, but all its lines."""
    names = [random.integers(0, 26, 6) for _ in range(300)]
    text = as_lines([names[place] for _ in range(40) for place in random.permutation(300)])
    copied, new = as_lines(names[:50]), as_lines([random.integers(0, 26, 6) for _ in range(50)])
    meter = Meter(text[:-1000], text[-1000:], NEWLINE, [NEWLINE, SPACE])
    assert meter.measure(copied).lines == 1
    assert meter.measure(copied).lines_yardstick == 1
    assert meter.measure(copied).share < 0.2
    assert meter.measure(new).lines == 0
    assert meter.measure(np.concatenate([copied, new])).lines == 0.5
    assert "100.0 % of its lines verbatim (real text 100.0 %)" in str(meter.measure(copied))
    assert "0.5" not in str(meter.measure(text[:5]))  # no whole line
    parts = np.concatenate([copied[3:], names[0][:3]]).astype(np.uint8)  # the first line has lost its beginning
    assert meter.measure(parts).lines == 49 / 50


def test_blank_strings_are_no_evidence(letters):
    blank = np.full(30, SPACE, np.uint8)
    text = np.concatenate([letters, blank, letters])
    gibberish = np.concatenate([letters[:100] + 30, blank, letters[:100] + 30])
    assert standing_in(text, gibberish).any()
    assert Meter(text, blank=[SPACE]).measure(gibberish).share == 0
    assert Meter(text, blank=[SPACE]).measure(blank).share is None
    assert str(Meter(text, blank=[SPACE]).measure(blank)) == "too short or blank to tell what is verbatim"
