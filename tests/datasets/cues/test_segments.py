"""Segments of a label map, numbered whatever OpenCV's order."""

import numpy as np

from mmfan.datasets.cues import number_segments


def test_segments_are_numbered_by_class_then_from_the_top_then_from_the_left():
    labels = np.array(
        [
            [1, 0, 0, 1],
            [1, 0, 0, 1],
            [0, 0, 0, 255],
            [2, 2, 0, 0],
            [1, 2, 0, 2],
        ],
        np.uint8,
    )
    numbers, segments = number_segments(labels)
    assert numbers.tolist() == [
        [2, 1, 1, 3],
        [2, 1, 1, 3],
        [1, 1, 1, 7],
        [5, 5, 1, 1],
        [4, 5, 1, 6],
    ]
    assert [tuple(one) for one in segments] == [
        (1, 0, 10, 0, 0, 5, 4),
        (2, 1, 2, 0, 0, 2, 1),
        (3, 1, 2, 0, 3, 2, 1),
        (4, 1, 1, 4, 0, 1, 1),
        (5, 2, 3, 3, 0, 2, 2),
        (6, 2, 1, 4, 3, 1, 1),
        (7, 255, 1, 2, 3, 1, 1),
    ]
    rows, columns = segments[4].box
    assert numbers[rows, columns].tolist() == [[5, 5], [4, 5]]


def test_corners_hang_together():
    numbers, segments = number_segments(np.array([[0, 1], [1, 0]], np.uint8))
    assert numbers.tolist() == [[1, 2], [2, 1]]
    assert [one.area for one in segments] == [2, 2]


def test_many_segments_by_a_flood_fill():
    labels = np.random.default_rng(0).integers(0, 3, (24, 31)).astype(np.uint8)
    numbers, segments = number_segments(labels)
    seen = np.zeros(labels.shape, bool)
    found = []
    for row, column in np.ndindex(*labels.shape):
        if seen[row, column]:
            continue
        seen[row, column], members, open_ones = True, [], [(row, column)]
        while open_ones:
            y, x = open_ones.pop()
            members.append((y, x))
            for down, right in np.ndindex(3, 3):
                near = y + down - 1, x + right - 1
                inside = 0 <= near[0] < labels.shape[0] and 0 <= near[1] < labels.shape[1]
                if inside and not seen[near] and labels[near] == labels[row, column]:
                    seen[near] = True
                    open_ones.append(near)
        found.append((int(labels[row, column]), members))
    found.sort(key=lambda one: one[0])  # the scan is by rows already
    assert len(segments) == len(found)
    for segment, (label, members) in zip(segments, found, strict=True):
        assert (segment.label, segment.area) == (label, len(members))
        assert {int(numbers[place]) for place in members} == {segment.number}
