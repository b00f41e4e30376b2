"""The plots of robustness: that they draw the right numbers, at any number of models."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from mmfan.visualization import robustness_plots
from mmfan.visualization.robustness_plots import retention_bars, retention_map, severity_curves
from mmfan.visualization.style import COLOURS

GROUPS = {"weather": ["fog", "snow"], "digital": ["contrast"]}


def summary(name, clean, by_corruption, by_group, scores, corrupted=math.nan):
    """As much of a summary as is drawn."""
    return SimpleNamespace(**locals())


def model(name="fan-t", clean=0.8, fog=0.6):
    scores = {"fog": {1: fog + 0.1, 2: fog - 0.1}, "snow": {1: 0.4}, "contrast": {1: 0.2}}
    types = {"fog": fog, "snow": 0.4, "contrast": 0.2}
    groups = {"weather": (fog + 0.4) / 2, "digital": 0.2}
    return summary(name, clean, types, groups, scores, corrupted=0.4)


@pytest.fixture
def figures(monkeypatch):
    """The matplotlib figures that were drawn."""
    drawn = []
    original = robustness_plots.draw
    monkeypatch.setattr(robustness_plots, "draw", lambda figure: drawn.append(figure) or original(figure))
    return drawn


def test_bars_are_retention_in_percent(figures):
    picture = retention_bars([model(), model("b", clean=0.4)], GROUPS, "mIoU, small, 4 cells")
    assert picture.dtype == np.uint8
    weather, digital = figures[0].axes
    # a container a model; the last bar is the mean of the group
    heights = [[bar.get_height() for bar in container] for container in weather.containers]
    assert heights == [pytest.approx([75, 50, 62.5]), pytest.approx([150, 100, 125])]
    assert [bar.get_height() for bar in digital.containers[0]] == pytest.approx([25, 25])
    assert [label.get_text() for label in weather.get_xticklabels()] == ["fog", "snow", "mean of\nweather"]
    assert weather.get_ylim()[1] > 150
    assert "mIoU, small, 4 cells" in [text.get_text() for text in figures[0].texts]


def test_curves_are_scores_in_percent_from_the_clean_one_on(figures):
    severity_curves([model()], GROUPS, "mIoU")
    fog, snow, contrast = figures[0].axes
    assert [axes.get_title() for axes in (fog, snow, contrast)] == ["fog", "snow", "contrast"]
    assert fog.lines[0].get_xdata().tolist() == [0, 1, 2]
    assert fog.lines[0].get_ydata().tolist() == pytest.approx([80, 70, 50])
    assert snow.lines[0].get_ydata().tolist() == pytest.approx([80, 40])


def test_a_severity_that_is_not_there_is_a_gap(figures):
    scores = {"fog": {1: 0.6, 3: 0.4}}
    severity_curves([summary("a", 0.8, {"fog": 0.5}, {}, scores)], {}, "mIoU")
    # nothing has severity 2: the line goes on
    assert figures[0].axes[0].lines[0].get_ydata().tolist() == pytest.approx([80, 60, 40])
    one = summary("a", 0.8, {"fog": 0.5, "snow": 0.5}, {}, {**scores, "snow": {2: 0.5}})
    severity_curves([one], {}, "mIoU")
    values = figures[1].axes[0].lines[0].get_ydata().tolist()
    assert values[:2] == pytest.approx([80, 60])
    assert math.isnan(values[2])
    assert values[3] == pytest.approx(40)


def test_the_map_holds_retention_and_the_overall_one(figures):
    missing = summary("b", 0.5, {"fog": 0.25}, {}, {"fog": {1: 0.25}}, 0.25)
    retention_map([model(), missing], GROUPS)
    values = figures[0].axes[0].images[0].get_array()
    assert np.ma.filled(values, np.nan)[0].tolist() == pytest.approx([75, 50, 25, 50])
    texts = [text.get_text() for text in figures[0].axes[0].texts]
    assert texts[:8] == ["75", "50", "25", "50", "50", "-", "-", "50"]
    assert texts[8:] == ["weather", "digital"]


@pytest.mark.parametrize("plot", [retention_bars, retention_map, lambda m, g: severity_curves(m, g, "mIoU")])
@pytest.mark.parametrize("count", [1, 10])
def test_any_number_of_models_with_long_names_fits(plot, count, figures):
    models = [model(f"segformer_mit-b{at}_8xb1-160k_cityscapes-1024x1024_and_a_long_tail") for at in range(count)]
    assert plot(models, GROUPS).ndim == 3
    (figure,) = figures
    check_inside(figure)


def test_a_single_cell_fits_too(figures):
    one = summary("m", 0.5, {"rain": 0.25}, {"a group with a long name": 0.25}, {"rain": {7: 0.25}}, 0.25)
    groups = {"a group with a long name": ["rain"]}
    subtitle = "mIoU; a protocol of my own, PARTIAL: 1 of 72 cells; the same, PARTIAL: 2 of 72 cells"
    retention_bars([one], groups, subtitle)
    severity_curves([one], groups, "mIoU", subtitle)
    retention_map([one], groups, subtitle)
    for figure in figures:
        check_inside(figure)


def check_inside(figure):
    """No text is cut off at the edge of a figure."""
    width, height = figure.get_size_inches() * figure.dpi
    for artist in [*figure.texts, *figure.legends, *(text for axes in figure.axes for text in axes.get_xticklabels())]:
        box = artist.get_window_extent()
        assert box.x0 >= -1, artist
        assert box.x1 <= width + 1, artist
        assert box.y0 >= -1, artist
        assert box.y1 <= height + 1, artist


def test_legend_does_not_cover_the_plots(figures):
    retention_bars([model(f"model {at} of a family with long names" * 2) for at in range(10)], GROUPS)
    (legend,) = figures[0].legends
    lowest = min(axes.get_tightbbox().y0 for axes in figures[0].axes)
    assert legend.get_window_extent().y1 <= lowest


def test_each_model_keeps_its_colour(figures):
    retention_bars([model(), model("b")], GROUPS)
    severity_curves([model(), model("b")], GROUPS, "mIoU")
    bars = [container[0].get_facecolor() for container in figures[0].axes[0].containers]
    lines = [line.get_color() for line in figures[1].axes[0].lines]
    assert lines == list(COLOURS[:2])
    assert bars[0][:3] == pytest.approx(tuple(int(lines[0][at : at + 2], 16) / 255 for at in (1, 3, 5)))


def test_errors():
    for plot in (retention_bars, retention_map):
        with pytest.raises(ValueError, match="at least one model"):
            plot([], GROUPS)
        with pytest.raises(ValueError, match="clean score above 0 for 'fan-t', got 0"):
            plot([model(clean=0)], GROUPS)
        with pytest.raises(ValueError, match="at least one corruption"):
            plot([summary("a", 0.5, {}, {}, {})], GROUPS)
