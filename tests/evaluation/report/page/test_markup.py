"""Markup: what is no markup is escaped, in content and in attributes."""

import pytest

from mmfan.evaluation.report.page.markup import Markup, element, joined, plain

NASTY = ['"><script>alert(1)</script>', "</style><img src=x onerror=alert(1)>", "<!--", "' onload='x", "&amp;<b>"]


@pytest.mark.parametrize("text", NASTY)
def test_texts_are_escaped_wherever_they_stand(text):
    shown = element("p", text, title=text)
    assert shown.count("<") == 2
    assert shown.count('"') == 2
    assert "'" not in shown


@pytest.mark.parametrize(("text", "shown"), [("a\u2028b", "a\\u2028b"), ("a\nb", "a b"), ("\x1b[2J", "\\x1b[2J")])
def test_what_steers_is_written_as_an_escape(text, shown):
    assert plain(text) == shown


def test_attributes():
    assert element("i", class_="a b", data_model=0, hidden=True, title=None, open=False) == (
        '<i class="a b" data-model="0" hidden></i>'
    )


def test_markup_is_taken_as_it_is():
    assert element("p", Markup("<b>x</b>"), None, "<") == "<p><b>x</b>&lt;</p>"
    assert joined(Markup("<br>"), "", None, "<", between=" ") == "<br> &lt;"


def test_a_long_address_is_whole():
    address = Markup("data:image/png;base64," + "A" * 300_000)
    assert address in element("img", src=address)
