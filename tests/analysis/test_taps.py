"""Taps keep the import path that users have."""


def test_taps_are_found_where_they_were():
    from mmfan.analysis import TapRecorder, taps
    from mmfan.models import taps as home

    assert TapRecorder is taps.TapRecorder is home.TapRecorder
    assert all(getattr(taps, name) is getattr(home, name) for name in taps.__all__)
