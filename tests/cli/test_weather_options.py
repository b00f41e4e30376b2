"""Options of real weather: what the drivers are given, and what is refused."""

import argparse

import pytest

from mmfan.cli.weather_options import add_weather_options, asked_weather, check_weather_options


def asked(*words, protocol=None):
    parser = argparse.ArgumentParser()
    add_weather_options(parser)
    args = parser.parse_args(words)
    check_weather_options(parser, args)
    return asked_weather(args, protocol)


def test_what_the_drivers_are_given():
    assert asked() == (None, None)
    assert asked("--weather", "acdc=a=b", "muses=m") == ("clean", {"acdc": {"root": "a=b"}, "muses": {"root": "m"}})
    more = "--conditions", "fog", "night", "--split", "train", "--reference", "frames"
    assert asked("--weather", "acdc=a", *more, protocol="level5") == (
        "level5",
        {"acdc": {"root": "a", "conditions": ["fog", "night"], "split": "train", "reference": "frames"}},
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--conditions", "fog"], "--conditions is of real weather: give --weather as well"),
        (["--weather", "acdc"], "needs a set and its root, as acdc=data/acdc, got 'acdc'"),
        (["--weather", "=x"], "needs a set and its root"),
        (["--weather", "acdc=x", "acdc=y"], "--weather names acdc twice"),
        (["--weather", "acdc=x", "--reference", "day"], "invalid choice: 'day'"),
    ],
)
def test_what_is_refused(words, told, capsys):
    with pytest.raises(SystemExit):
        asked(*words)
    assert told in capsys.readouterr().err
