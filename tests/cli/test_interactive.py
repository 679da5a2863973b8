"""A session of typing and reading, over a pipe."""

from unittest.mock import Mock

import pytest

from charrnn.cli.interactive import HELP, _lines


@pytest.fixture
def session(charrnn, run):
    """A function that types lines into a session and returns what it wrote."""

    def type_in(*lines, options=()):
        stdin = "".join(f"{line}\n" for line in lines).encode()
        return charrnn("sample", run, "--interactive", "--length", 30, "--seed", 1, *options, stdin=stdin)

    return type_in


def sampled(charrnn, run, *options):
    return charrnn("sample", run, "--length", 30, *options).out


def test_a_beginning_is_answered_as_a_sample_with_it_as_prime_is(charrnn, run, session):
    expected = sampled(charrnn, run, "--prime", "the ", "--seed", 1)
    assert session("the ").out == expected + "\n"


def test_more_goes_on_as_if_all_had_been_the_prime(charrnn, run, session):
    first = sampled(charrnn, run, "--prime", "the ", "--seed", 1)
    more = sampled(charrnn, run, "--prime", "the " + first, "--seed", 2)
    assert session("the ", "/more").out == f"{first}\n{more}\n"


def test_retry_is_the_same_beginning_with_other_noise(charrnn, run, session):
    tries = [sampled(charrnn, run, "--prime", "the ", "--seed", seed) for seed in (1, 2)]
    assert session("the ", "/retry").out == "".join(f"{text}\n" for text in tries)


def test_settings_act_from_then_on(charrnn, run, session):
    expected = charrnn("sample", run, "--prime", "the ", "--seed", 9, "--length", 12, "--temperature", 0.5).out
    assert session("/temperature 0.5", "/length 12", "/seed 9", "the ").out == expected + "\n"


def test_a_stop_ends_a_continuation_until_it_is_off(charrnn, run, session):
    stopped = sampled(charrnn, run, "--prime", "the", "--seed", 1, "--stop", " ")
    free = sampled(charrnn, run, "--prime", "the", "--seed", 2)
    assert session("/stop ' '", "the", "/stop off", "/retry").out == f"{stopped}\n{free}\n"


def test_the_prime_option_is_answered_first(charrnn, run, session):
    assert session(options=["--prime", "a "]).out == sampled(charrnn, run, "--prime", "a ", "--seed", 1) + "\n"


def test_a_backslash_goes_on_with_the_next_line_and_two_slashes_are_one(charrnn, run, session):
    expected = sampled(charrnn, run, "--prime", "the\ncat ", "--seed", 1)
    assert session("the\\", "cat ").out == expected + "\n"
    assert "'/'" in session("//x").err


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("/nope", "no command /nope; /help lists them"),
        ("/temperature hot", "temperature is 'hot'"),
        ("/temperature -1", "temperature is -1"),
        ("/top-k 0", "top_k is 0"),
        ("/length -1", "length is -1"),
        ("/seed x", "seed is 'x'"),
        ("/unit 9:9", "layer is 9"),
        ("/unit quotes", "'quotes' is no unit"),
        ("/clamp 0:3", "holds no unit"),
        ("/clamp 0:3=2", "value of unit 0:3 is 2"),
        ("/steer", "no unit is chosen; write /steer UNIT"),
        ("/steer 0:99", "index is 99"),
        ("/slow 0", "slow is 0"),
        ("/alternatives maybe", "choose on or off"),
        ("/stop 'a", "left open"),
        ("/more now", "/more takes no value"),
        ("Ж", "'Ж' (U+0416)"),
    ],
)
def test_an_error_is_told_and_the_session_goes_on(session, line, cause):
    result = session(line, "the ")
    assert cause in result.err
    assert (result.status, result.out) == (0, session("the ").out)


def test_help_and_settings_tell_all(session):
    result = session("/top-p 0.9", "/unit 0:3", "/settings", "/help", "/quit", "never read")
    assert "top-p         0.9" in result.out
    assert "color         0:3" in result.out
    assert result.out.rstrip().endswith("/help  /quit")
    assert all(f"/{name}" in result.out for name in ("more", "retry", "temperature", "length", "stop", "seed"))


def test_the_help_fits_a_terminal_of_80_columns():
    assert max(map(len, HELP.splitlines())) < 80


def test_a_setting_without_a_value_is_told(session):
    result = session("/temperature 0.5", "/temperature", "/unit", "/stop")
    assert result.out.splitlines() == ["temperature   0.5", "color         none", "stop          off"]


def test_on_a_terminal_the_end_of_input_ends_its_line(monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", Mock(side_effect=["one\\", "two", KeyboardInterrupt, EOFError]))
    assert list(_lines()) == ["one\ntwo"]
    assert capsys.readouterr().out == "\n\n"


def test_a_unit_is_held_until_that_is_off(charrnn, run, session):
    held = sampled(charrnn, run, "--prime", "the ", "--seed", 1, "--clamp", "0:3=1", "--clamp", "0:4=-1")
    free = sampled(charrnn, run, "--prime", "the ", "--seed", 2)
    typed = ["/clamp 0:3=0.5", "/clamp 0:3=1 0:4=-1", "/clamp", "the ", "/clamp off", "/retry"]
    assert session(*typed).out == f"clamp         0:3=1 0:4=-1\n{held}\n{free}\n"


def test_units_go_by_their_known_names(charrnn, knowing):
    typed = b"/unit quotes\n/clamp quotes=1\n/settings\n/unit off\n/unit\n"
    shown = charrnn("sample", knowing, "--interactive", stdin=typed).out
    assert "color         0:3\nclamp         0:3=1\n" in shown
    assert shown.endswith("color         none\n")


def test_steer_goes_on_with_the_beginning_in_three_ways(charrnn, run, session):
    shown = session("/steer 0:3", "the ", "/unit 0:3", "/steer").out
    _, written = shown.split(sampled(charrnn, run, "--prime", "the ", "--seed", 1))
    steered = charrnn("neurons", "steer", run, "--unit", "0:3", "-p", "the ", "-n", 30, "-t", 1, "--seed", 2).out
    assert written == f"\n{steered}"
