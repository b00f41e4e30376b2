"""Extreme eigenvalues of a symmetric matrix that is only known by its products with vectors.

Plain torch; the Hessian of a loss is such a matrix, and a product with it costs about two backward passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Eigenvalues:
    """Eigenvalues of the largest magnitude, by falling magnitude.

    Attributes:
        values: The estimates.
        residuals: |H v - value * v| of each for its vector v of length 1: the distance to a true eigenvalue is at most
            this.
        products: How many products with a vector they took.
    """

    values: tuple[float, ...]
    residuals: tuple[float, ...]
    products: int


def hessian_product(loss: Tensor, parameters: Sequence[nn.Parameter], decays: Sequence[float] | None = None) -> Product:
    """The product of a vector with the Hessian of a loss, by differentiating twice.

    A penalty of ``decay / 2 * |w|**2`` adds ``decay`` times the identity to the parameters it is on, which is added
    here in closed form.

    Args:
        loss: A scalar whose graph is still there. Fused attention kernels have no second derivative: compute it under
            :func:`mmfan.analysis.training_loss.twice_differentiable`.
        parameters: The weights, in the order in which they make up the vector.
        decays: Of each of them.

    Returns:
        From a vector of as many numbers as there are weights to its product.
    """
    gradients = torch.autograd.grad(loss, list(parameters), create_graph=True, allow_unused=True)
    # the derivative of parts that the loss does not depend on, or only linearly, is 0
    live = [at for at, gradient in enumerate(gradients) if gradient is not None and gradient.requires_grad]
    sizes = [parameter.numel() for parameter in parameters]

    def product(vector: Tensor) -> Tensor:
        parts = [part.view_as(parameter) for part, parameter in zip(vector.split(sizes), parameters, strict=True)]
        found: Sequence[Tensor | None] = [None] * len(parts)
        if live:
            found = torch.autograd.grad(
                [gradients[at] for at in live], list(parameters), [parts[at] for at in live], retain_graph=True,
                allow_unused=True,
            )  # fmt: skip
        rows = [
            (torch.zeros_like(part) if derivative is None else derivative).detach()
            for part, derivative in zip(parts, found, strict=True)
        ]
        if decays is not None:
            rows = [row + decay * part for row, part, decay in zip(rows, parts, decays, strict=True)]
        return torch.cat([row.reshape(-1) for row in rows])

    return product


def lanczos(product: Product, start: Tensor, steps: int, count: int) -> Eigenvalues:
    """The eigenvalues of largest magnitude by Lanczos' method, with full orthogonalisation.

    It needs fewer products than power iteration, finds both ends of the spectrum at once, and is not slowed down by
    two eigenvalues of one magnitude; it keeps ``steps`` vectors in memory.

    Args:
        product: The matrix.
        start: Any vector that is not 0.
        steps: At most this many products.
        count: How many eigenvalues.
    """
    vectors = [start / start.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    for step in range(min(steps, start.numel())):
        image = product(vectors[-1])
        diagonal.append(float(torch.dot(image.double(), vectors[-1].double())))
        for _ in range(2):  # once leaves rounding errors that bring found eigenvalues back
            for vector in vectors:
                image = image - torch.dot(image, vector) * vector
        beside.append(float(image.norm()))
        scale = max(abs(value) for value in diagonal + beside[:-1])
        if beside[-1] <= 1e-6 * max(scale, 1e-30) or step + 1 == min(steps, start.numel()):
            break
        vectors.append(image / beside[-1])
    size = len(diagonal)
    small = torch.zeros(size, size, dtype=torch.float64)
    small += torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    if size > 1:
        off = torch.tensor(beside[: size - 1], dtype=torch.float64)
        small += torch.diag(off, 1) + torch.diag(off, -1)
    values, combinations = torch.linalg.eigh(small)
    order = values.abs().argsort(descending=True)[:count]
    residuals = beside[size - 1] * combinations[-1, order].abs()
    return Eigenvalues(tuple(values[order].tolist()), tuple(residuals.tolist()), size)


def power_iteration(
    product: Product, size: int, count: int, generator: torch.Generator, iterations: int = 50, tolerance: float = 1e-3
) -> Eigenvalues:
    """The eigenvalues of largest magnitude, one after the other, as the published analysis finds them.

    Args:
        product: The matrix.
        size: Of its vectors.
        count: How many eigenvalues.
        generator: Draws the starting vectors, on the CPU.
        iterations: At most this many products for each.
        tolerance: Stop when an estimate changes by less than this share.
    """
    found: list[Tensor] = []
    values, residuals, products = [], [], 0
    for _ in range(min(count, size)):
        vector = _orthogonal(torch.randn(size, generator=generator), found)
        vector = vector / vector.norm()
        value = residual = float("inf")
        for _ in range(iterations):
            whole = product(vector)
            image = _orthogonal(whole, found)
            products += 1
            before, value = value, float(torch.dot(image, vector))
            # of the matrix itself: what was found before may be no eigenvector, and is taken out of the image
            residual = float((whole - value * vector).norm())
            length = float(image.norm())
            if length == 0 or abs(value - before) <= tolerance * (abs(value) + 1e-12):
                break
            vector = image / length
        values.append(value)
        residuals.append(residual)
        found.append(vector)
    order = sorted(range(len(values)), key=lambda at: -abs(values[at]))
    return Eigenvalues(tuple(values[at] for at in order), tuple(residuals[at] for at in order), products)


def _orthogonal(vector: Tensor, others: Sequence[Tensor]) -> Tensor:
    for _ in range(2):
        for other in others:
            vector = vector - torch.dot(vector, other) * other
    return vector


def negative_share(values: Sequence[float]) -> float | None:
    """NEP: the share of eigenvalues below 0, 0 (convex) to 1; None if there are none."""
    return sum(value < 0 for value in values) / len(values) if values else None


def mean_positive(values: Sequence[float]) -> float | None:
    """APE: the mean of the eigenvalues above 0; lower is flatter, None if there are none."""
    positive = [value for value in values if value > 0]
    return sum(positive) / len(positive) if positive else None
