"""The style of a page: contrast of what stands on what, worked out from its variables, in light and in dark."""

import itertools
import re

import pytest

from mmfan.evaluation.report.page.document import own_file
from mmfan.evaluation.report.page.numbers import SHADES
from mmfan.evaluation.report.page.who import COLOURS

STYLE = own_file("page.css")
PAIRS = {
    name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", STYLE)
}
SCHEMES = {"light": 0, "dark": 1}


def luminance(colour: str) -> float:
    """Relative luminance, by WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, by WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_known_pairs():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("text", "ground"),
    [*itertools.product(("text", "quiet", "link"), ("page", "panel")), ("text", "note"), ("warn", "panel"),
     ("page", "text")],  # the box of hints is the other way round
)  # fmt: skip
def test_texts_have_contrast_aa(text, ground, scheme):
    at = SCHEMES[scheme]
    assert contrast(PAIRS[text][at], PAIRS[ground][at]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("part", ["edge", "link", "warn", *(f"line-{at}" for at in range(COLOURS))])
def test_lines_frames_and_controls_have_contrast_of_three(part, scheme):
    at = SCHEMES[scheme]
    assert contrast(PAIRS[part][at], PAIRS["page"][at]) >= 3
    assert contrast(PAIRS[part][at], PAIRS["panel"][at]) >= 3


def test_numbers_on_shades_have_contrast_aa():
    shades = re.findall(r"\.(heat-\d) \{ background: (#\w{6}); color: (#\w{6}); \}", STYLE)
    assert [name for name, *_ in shades] == [f"heat-{at}" for at in range(SHADES)]
    for _, ground, text in shades:
        assert contrast(ground, text) >= 4.5
    grounds = [luminance(ground) for _, ground, _ in shades]
    assert grounds == sorted(grounds)  # a shade tells more or less without its hue


def test_every_colour_is_a_variable_or_a_shade():
    rules = re.sub(r"/\*.*?\*/", "", STYLE, flags=re.DOTALL)
    plain = [
        line for line in rules.splitlines()
        if re.search(r"#[0-9a-f]{3,8}\b", line) and not line.strip().startswith(("--", ".heat-"))
    ]  # fmt: skip
    assert plain == [".picture img { display: block; width: 100%; height: auto; background: #ffffff; }"]
    used = set(re.findall(r"var\(--([\w-]+)\)", rules)) - {"own"}
    assert used <= set(PAIRS), "a variable that is not defined"


def test_the_style_asks_for_nothing():
    assert not re.search(r"url\(|@import|https?:", STYLE)
    assert "prefers-reduced-motion" in STYLE
    assert ":focus-visible" in STYLE
