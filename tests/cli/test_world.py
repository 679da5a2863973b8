"""Texts of the world, trained on, sampled and scored as a person types it."""

import json

import pytest

TEXTS = {
    "hangul syllables": "나는 오늘 학교에 갔다. ",
    "jamo": "\u1102\u1161\u1102\u1173\u11ab \u110b\u1169\u1102\u1173\u11af ",
    "chinese": "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。",
    "arabic": "السلام عليكم ورحمة الله وبركاته. ",
    "emoji with joiners": "👩‍👩‍👧‍👦 and 🏳️‍🌈 and 👍🏽 ",
    "combining accents": "e\u0301a\u0300o\u0302u\u0308n\u0303 ",
    "NUL bytes": "a\0b\0\0c ",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_in_any_script_is_trained_on_sampled_and_scored(charrnn, tiny, tmp_path, name):
    text, run = TEXTS[name], tmp_path / "run"
    (tmp_path / "text.txt").write_text(text * 40, "utf-8")
    trained = charrnn("train", tmp_path / "text.txt", *tiny, "--steps=3", "--out", run, "--json")
    assert trained.status == 0, trained.err
    sampled = charrnn("sample", run, "--prime", text, "--length", 30, "--seed", 1, "--json")
    sample = json.loads(sampled.out)["samples"][0]
    assert (sample["prime"], len(sample["text"])) == (text, 30)
    assert set(sample["text"]) <= set(text)
    scored = json.loads(charrnn("score", run, tmp_path / "text.txt", "--json").out)
    assert (scored["characters"], scored["unknown"]) == (len(text) * 40 - 1, 0)


def test_a_line_of_10_mb_is_trained_on(charrnn, tiny, tmp_path):
    (tmp_path / "line.txt").write_text("one long line " * 714_286, "utf-8")
    options = ["--steps=2", "--val-fraction=0", "--test-fraction=0", "--out", tmp_path / "run"]
    assert charrnn("train", tmp_path / "line.txt", *tiny, *options).status == 0


def test_rare_characters_are_folded_sampled_and_scored(charrnn, tiny, tmp_path):
    (tmp_path / "text.txt").write_text("天地玄黄" * 60 + "宇宙" + "天地" * 30, "utf-8")
    run = tmp_path / "run"
    trained = charrnn("train", tmp_path / "text.txt", *tiny, "--min-count=2", "--steps=3", "--out", run)
    assert trained.status == 0, trained.err
    assert "2 rare characters, at 2 places, became U+FFFD" in trained.err
    sampled = json.loads(charrnn("sample", run, "--length", 30, "--seed", 1, "--json").out)["samples"][0]["text"]
    assert set(sampled) <= set("天地玄黄\ufffd")
    (tmp_path / "new.txt").write_text("天地宇洪", "utf-8")
    scored = json.loads(charrnn("score", run, tmp_path / "new.txt", "--json").out)
    assert (scored["characters"], scored["unknown"]) == (3, 2)
