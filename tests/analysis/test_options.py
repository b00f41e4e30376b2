"""Options: what each takes, what it says to anything else, and the same command line for every analysis."""

from dataclasses import FrozenInstanceError, dataclass, fields

import numpy as np
import pytest

from mmfan.analysis.catalogue import ANALYSES, get_analysis
from mmfan.analysis.options import AnalysisError, OptionError, Options, describe, form_of, make_options, option


@dataclass(frozen=True)
class Some(Options):
    """One of each kind."""

    count: int = option(3, "whole", least=2, most=5)
    odd: int = option(3, "odd", least=1, odd=True)
    share: float = option(0.5, "part", above=0, below=1)
    flag: bool = option(False, "yes or no")
    name: str = option("a", "word", choices=("a", "b"))
    grid: str = option("2x2", "grid", pattern=r"\d+x\d+", says="a grid, e.g. 2x3")
    ratios: tuple[int, ...] = option((1, 2), "several", least=1)
    pair: tuple[float, float] | None = option(None, "two")
    side: int | None = option(None, "maybe", least=1)


def test_forms_are_read_from_the_types() -> None:
    assert form_of(Some, "count") == (int, None, False)
    assert form_of(Some, "ratios") == (int, 0, False)
    assert form_of(Some, "pair") == (float, 2, True)
    assert form_of(Some, "side") == (int, None, True)


def test_values_become_what_the_field_says() -> None:
    made = Some(count=np.int64(4), share=np.float32(0.25), ratios=[5, 6], pair=(1, 2), grid="3x4")
    assert (made.count, made.share, made.ratios, made.pair) == (4, 0.25, (5, 6), (1.0, 2.0))
    assert [type(value) for value in (made.count, made.share, made.pair[0])] == [int, float, float]
    with pytest.raises(FrozenInstanceError):
        made.count = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("count", 1, "expected a whole number from 2 to 5, got 1"),
        ("count", 6, "expected a whole number from 2 to 5, got 6"),
        ("count", 2.5, "expected a whole number from 2 to 5, got 2.5"),
        ("count", True, "expected a whole number from 2 to 5, got True"),
        ("count", None, "expected a whole number from 2 to 5, got None"),
        ("odd", 4, "expected an odd number from 1 on, got 4"),
        ("share", 0, "expected a number above 0 and below 1, got 0"),
        ("share", float("nan"), "expected a number above 0 and below 1, got nan"),
        ("flag", 1, "expected True or False, got 1"),
        ("name", "c", "expected one of a, b, got 'c'"),
        ("grid", "2by3", "expected a grid, e.g. 2x3, got '2by3'"),
        ("ratios", [3, 0], "expected a whole number from 1 on, got 0"),
        ("ratios", [], "expected one or more values in a list, got []"),
        ("ratios", 3, "expected one or more values in a list, got 3"),
        ("pair", (1, 2, 3), "expected 2 values in a list, got (1, 2, 3)"),
        ("pair", (1, "b"), "expected a number, got 'b'"),
    ],
)
def test_other_values_are_refused_by_name(name: str, value: object, says: str) -> None:
    with pytest.raises(OptionError) as caught:
        make_options(Some, {name: value}, "some")
    assert (caught.value.option, caught.value.says) == (name, says)
    assert str(caught.value) == f"Option `{name}`: {says}."


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(AnalysisError, match=r"spectrum has no option 'tolerence'; did you mean 'tolerance'\?"):
        make_options(get_analysis("spectrum").options, {"tolerence": 1}, "spectrum")
    with pytest.raises(AnalysisError, match="fourier has no option 'zzz'; its options are none"):
        make_options(get_analysis("fourier").options, {"zzz": 1}, "fourier")
    with pytest.raises(AnalysisError, match=r"did you mean 'limit'\?"):
        make_options(Options, {"limits": 1}, "fourier", also=["limit"])


def test_every_option_of_every_analysis_has_help_and_a_default_that_it_takes() -> None:
    for spec in ANALYSES.values():
        made = spec.options()
        for one in fields(spec.options):
            assert one.metadata["help"]
            assert getattr(made, one.name) == one.default
            describe(form_of(spec.options, one.name).kind, one.metadata)


def test_choices_are_those_of_what_they_are_handed_to() -> None:
    from mmfan.analysis.catalogue import BandNoiseOptions, GroupingOptions, LandscapeOptions, PatchDropOptions
    from mmfan.analysis.numerics.directions import NORMALISATIONS
    from mmfan.datasets.transforms.band_noise import ENERGIES
    from mmfan.datasets.transforms.patch_drop import MODES
    from mmfan.visualization.style import COLOURS

    rules = {
        (kind, one.name): one.metadata
        for kind in (BandNoiseOptions, GroupingOptions, LandscapeOptions, PatchDropOptions)
        for one in fields(kind)
    }
    assert rules[LandscapeOptions, "normalise"]["choices"] == NORMALISATIONS
    assert rules[BandNoiseOptions, "energy"]["choices"] == ENERGIES
    assert rules[PatchDropOptions, "modes"]["choices"] == MODES
    assert rules[GroupingOptions, "clusters"]["most"] == len(COLOURS)
