"""Each feature against passages labelled by hand: a text, and below it a label for each character.

↵ stands for a newline, → for a tab and · for "undefined".
"""

import numpy as np
import pytest

from charrnn.neurons.features import FEATURES

# fmt: off
PASSAGES = {
    "line_position": [
        ("ab↵↵cd e",
         "12001234"),
    ],
    "word_position": [
        ("I'm it_2.",
         "123·1234·"),
        ("the dogs' 'x",
         "123·12345··1"),
        ("été",
         "123"),
    ],
    "sentence_position": [
        ("Go. Me",
         "123012"),
        ('"No!"  Yes',
         "1234500123"),
        ("a.b c",
         "12345"),
        ("ab↵↵c",
         "12301"),
        ("ab↵c",
         "1234"),
        ("  a",
         "001"),
    ],
    "after_space": [
        ("a  b↵c",
         "·01100"),
    ],
    "uppercase_run": [
        ("aBC D1E",
         "·12·1·1"),
    ],
    "digit_run": [
        ("a12.3",
         "·12·1"),
    ],
    "inside_parentheses": [
        ("a(b(c)d)e",
         "011111100"),
        ("a)b(c",
         "00011"),
        ("(a↵b↵↵c)",
         "11111000"),
    ],
    "newline_next": [
        ("a↵↵b",
         "110·"),
    ],
    "space_next": [
        ("a b",
         "10·"),
    ],
    "indentation": [
        ("a↵  bc↵→d",
         "0···22··8"),
        ("   →x",
         "····8"),
        (" ↵x",
         "··0"),
    ],
    "quote_length": [
        ('a "b" c',
         "··12···"),
        ("“a”“b",
         "12·12"),
    ],
    "paragraph_start": [
        ("ab cd↵ef↵↵gh i",
         "11000000011100"),
        ("↵↵ ab c",
         "1111100"),
    ],
    "speaker_line": [
        ("A B:↵hi: no↵↵C",
         "11100000000011"),
        ("no↵A:",
         "11000"),
    ],
    "inside_speech": [
        ("A:↵hi: no↵↵C",
         "011111111100"),
        ("no↵A:x",
         "000000"),
    ],
    "speech_line": [
        ("A:↵x↵↵B:y↵z",
         "·0112··0011"),
    ],
    "inside_comment": [
        ("a/*b*/c",
         "0011100"),
        ("/*/x*/y",
         "0111100"),
        ("/**/x",
         "01100"),
        ("a//b↵c",
         "001100"),
        (r"//a\↵b↵c",
          "01111100"),
        ("/*//*/x",
         "0111100"),
        ('"/*"x',
         "00000"),
        ("""'"'//x""",
           "000011"),
        ("a*/b/c",
         "000000"),
        ("/*a↵b*/c",
         "01111100"),
    ],
    "inside_string": [
        ("1'000'0+'a'",  # C23 separates digits so
         "00000000110"),
        ("u8'a'",
         "00110"),
        (r'"a\"b"c',
          "1111100"),
        (r'"\\"c',
          "11100"),
        (r"'\''c",
          "11100"),
        ("""'"'c""",
           "1100"),
        ('/*"*/c',
         "000000"),
        ('//"↵c',
         "00000"),
        ('"a↵b"',
         "11001"),
        (r'"a\↵b"c',
          "1111100"),
        ('"//"c',
         "11100"),
    ],
    "inside_comment_or_string": [
        ('"/*"/*"*/c',
         "1110011100"),
    ],
    "inside_preprocessor": [
        ("/**/#d↵/**/a#",
         "0000110000000"),
        ("a/**/#d",
         "0000000"),
        ("#if a↵b",
         "1111100"),
        (" # d↵#",
         "011101"),
        ("a#b",
         "000"),
        (r"#a\↵b↵c",
          "1111100"),
        ("#a/*↵*/b↵c",
         "1111111100"),
        ('#"a↵b',
         "11100"),
    ],
    "parenthesis_depth": [
        ("a(b(c)d)e",
         "011221100"),
        ('("(")(',
         "111101"),
        ("(/*)*/)",
         "1111110"),
        ("')'(",
         "0001"),
        (")(",
         "01"),
        ("#d (↵x",
         "000100"),
        ("{(x}y",
         "01100"),
        ("f(↵}↵g(x",
         "01100011"),
    ],
    "bracket_depth": [
        ("a[b[0]]",
         "0112210"),
    ],
    "brace_depth": [
        ("{a{b}}",
         "112210"),
        ("{{↵}↵x",
         "122000"),
        ("{{↵ }↵x",
         "1222111"),
    ],
    "inside_if_condition": [
        ("if (a(b) c) d",
         "0001111111000"),
        ("xif(a)",
         "000000"),
        ("if_(a)",
         "000000"),
        ("for(;;)x",
         "00011100"),
        ("while (f(x)) y",
         "00000011111000"),
        ("if/**/(a)",
         "000000110"),
        ("#if (a)",
         "0000000"),
        ("# if (a)",
         "00000000"),
        ("if (')')x",
         "000111100"),
        ("f(if)",
         "00000"),
    ],
    "python_comment": [
        ("a#b↵c",
         "01100"),
        ("'#'#",
         "0001"),
    ],
    "python_string": [
        ("a'b'c#'d",
         "01100000"),
        ('"""a↵"b"""c',
         "10111111100"),
    ],
    "python_docstring": [
        ("'a'↵b='c'",
         "110000000"),
        ("f('a',↵'b')",
         "00000000000"),
        ("def f():↵ r'''a'''",
         "000000000001011110"),
        ("#c↵'a'",
         "000110"),
        (r"x=\↵'a'",
          "0000000"),
    ],
    "python_parenthesis_depth": [
        ("a(b(')'))",
         "011222210"),
        ("f(#)↵)",
         "011110"),
        ("f(↵def g(",
         "011111001"),
    ],
    "python_bracket_depth": [
        ("a[b[0]]",
         "0112210"),
    ],
    "python_brace_depth": [
        ("{a:{}}",
         "111210"),
    ],
    "python_if_condition": [
        ("#\\↵if x:y",  # a backslash carries no comment on
         "000001100"),
        ("if a:=b:c",
         "001101100"),
        ("async for x:y",
         "0000000001100"),
        ("if a[b:c]:d",
         "00111111100"),
        ("x if y:z",
         "00000000"),
        ("if(a↵and b):↵",
         "0011111111100"),
        ("for i in j:k",
         "000111111100"),
        ("elif x:",
         "0000110"),
        ("if x↵y",
         "001100"),
        ("iffy = {1:2}",
         "000000000000"),
        ("while'a:':b",
         "00000111100"),
    ],
    "inside_url": [
        ("a http://b.c d",
         "00000000111100"),
        ("(www.a.b) c",
         "00001111000"),
        ("<http://a(b)c>",
         "00000001111110"),
        ("xhttp://a",
         "000000000"),
        ('"ftp://a"',
         "000000110"),
    ],
    "inside_tag": [
        ("a<b>c",
         "00100"),
        ("<a b='>'>c",
         "0111111100"),
        ("1 < 2 > 1",
         "000000000"),
        ("</a><!b>",
         "01100110"),
        ("<!--a>b-->c",
         "01111111100"),
        ("<!-->x-->y",
         "0111111100"),
        ("<a <b>c",
         "0110100"),
        ("<a↵↵b>",
         "011000"),
        ("<br",
         "011"),
    ],
}
# fmt: on
ELSEWHERE = {"inside_quotes", "python_comment_or_string"}  # in test_features.py
CASES = [(name, text, expected) for name, passages in PASSAGES.items() for text, expected in passages]


@pytest.mark.parametrize(("name", "text", "expected"), CASES)
def test_a_passage_as_labelled_by_hand(name, text, expected):
    assert labelled(name, text.replace("↵", "\n").replace("→", "\t")) == expected


@pytest.mark.parametrize(("name", "text", "expected"), [case for case in CASES if not FEATURES[case[0]].predictive])
def test_a_passage_with_its_carriage_returns_has_the_same_labels(name, text, expected):
    kept = text.replace("↵", "\r\n").replace("→", "\t")
    labels = labelled(name, kept)
    assert "".join(label for label, c in zip(labels, kept, strict=True) if c != "\r") == expected
    assert all(labels[t] == labels[t - 1] for t, c in enumerate(kept) if c == "\r" and t)


def labelled(name, text):
    return "".join("·" if np.isnan(value) else str(int(value)) for value in FEATURES[name].values(text))


def test_every_feature_has_passages_labelled_by_hand():
    assert set(PASSAGES) | ELSEWHERE == set(FEATURES)
