"""Clusters of vectors: k-means that gives the same answer every time, and colours that stay with their cluster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def kmeans(
    vectors: NDArray[np.float64], count: int, generator: np.random.Generator, rounds: int = 50, starts: int = 3
) -> tuple[NDArray[np.int_], float]:
    """Lloyd's k-means from k-means++ starts; the best of several.

    Args:
        vectors: (N, D).
        count: Number of clusters; fewer come out where there are fewer different vectors.
        generator: Draws the starts.
        rounds: At most so many steps a start.
        starts: Number of starts.

    Returns:
        The cluster of each vector, (N,), the largest cluster 0; and the mean squared distance to the centre.
    """
    best: tuple[NDArray[np.int_], float] | None = None
    for _ in range(starts):
        labels, loss = _lloyd(vectors, _spread_centres(vectors, count, generator), rounds)
        if best is None or loss < best[1]:
            best = labels, loss
    assert best is not None  # noqa: S101 - for the type checker: there is at least one start
    sizes = np.bincount(best[0], minlength=count)
    rank = np.empty(len(sizes), int)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[best[0]], best[1]


def _distances(vectors: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances, (N, centres), not negative."""
    squares = np.square(vectors).sum(axis=1)[:, None] + np.square(centres).sum(axis=1)[None]
    return np.asarray(np.maximum(squares - 2 * vectors @ centres.T, 0.0))


def _spread_centres(vectors: NDArray[np.float64], count: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Centres far from each other: each next one with a chance in proportion to its squared distance."""
    centres = vectors[generator.integers(len(vectors))][None]
    while len(centres) < count:
        weights = _distances(vectors, centres).min(axis=1)
        total = weights.sum()
        if total <= 0:
            break
        centres = np.vstack([centres, vectors[generator.choice(len(vectors), p=weights / total)]])
    return centres


def _lloyd(vectors: NDArray[np.float64], centres: NDArray[np.float64], rounds: int) -> tuple[NDArray[np.int_], float]:
    labels = np.full(len(vectors), -1)
    for _ in range(rounds):
        nearest = _distances(vectors, centres).argmin(axis=1)
        if (nearest == labels).all():
            break
        labels = nearest
        for cluster in range(len(centres)):
            own = vectors[labels == cluster]
            if len(own):  # an empty cluster keeps its centre
                centres[cluster] = own.mean(axis=0)
    return labels, float(np.square(vectors - centres[labels]).sum(axis=1).mean())


def matched(labels: NDArray[np.int_], before: NDArray[np.int_], count: int) -> NDArray[np.int_]:
    """Rename clusters so that each has the name of the earlier cluster it shares most with, largest overlaps first.

    Args:
        labels: (N,), 0 to count - 1.
        before: (N,), of the block before.
        count: Number of clusters.
    """
    overlap = np.zeros((count, count), int)
    np.add.at(overlap, (labels, before), 1)
    names = np.full(count, -1)
    for place in np.argsort(-overlap, axis=None, kind="stable"):
        own, old = divmod(int(place), count)
        if names[own] < 0 and old not in names:
            names[own] = old
    return np.asarray(names[labels])
