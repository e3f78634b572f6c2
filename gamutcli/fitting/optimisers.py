"""What moves a weight matrix by its gradient: Muon for hidden matrices, Adam for the rest; plain descent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gamutcli.arrays import FloatArray

#: Changes a weight matrix in place, by its gradient and a learning rate.
Update = Callable[[FloatArray, float], None]

#: Muon's rate against Adam's; measured.
MUON_FACTOR = 4.0
#: How slowly Muon forgets gradients, and how slowly Adam does.
MOMENTUM, MEAN_DECAY = 0.9, 0.9
#: Of the matrix and its third and fifth power; Jordan et al., Muon, 2024.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class Muon:
    """Momentum whose steps are made orthogonal: every direction of a matrix moves at the same pace.

    Source: Jordan et al., Muon, 2024.
    """

    def __init__(self, weight: FloatArray) -> None:
        self.weight = weight
        self.momentum = np.zeros_like(weight)
        self.factor = MUON_FACTOR * max(1.0, weight.shape[0] / weight.shape[1]) ** 0.5

    def __call__(self, gradient: FloatArray, rate: float) -> None:
        """Do one step."""
        self.momentum *= np.float32(MOMENTUM)
        self.momentum += gradient
        step = orthogonalise(gradient + np.float32(MOMENTUM) * self.momentum)
        self.weight -= np.float32(rate * self.factor) * step


class Descent:
    """Plain gradient descent, as the paper's meta-learning takes its inner steps."""

    def __init__(self, weight: FloatArray) -> None:
        self.weight = weight

    def __call__(self, gradient: FloatArray, rate: float) -> None:
        """Do one step."""
        self.weight -= np.float32(rate) * gradient


class Adam:
    """Adam with bias correction.

    Source: Kingma and Ba, Adam, ICLR 2015.
    """

    def __init__(self, weight: FloatArray, square_decay: float) -> None:
        self.weight = weight
        self.square_decay = square_decay
        self.mean = np.zeros_like(weight)
        self.square = np.zeros_like(weight)
        self.steps = 0

    def __call__(self, gradient: FloatArray, rate: float) -> None:
        """Do one step."""
        self.steps += 1
        self.weight -= adam_step(gradient, rate, self.mean, self.square, self.steps, self.square_decay)


def adam_step(
    gradient: FloatArray, rate: float, mean: FloatArray, square: FloatArray, steps: int, square_decay: float
) -> FloatArray:
    """What Adam takes off a weight matrix.

    Args:
        gradient: Of the matrix.
        rate: The learning rate.
        mean: Of the gradients so far; it takes this one in.
        square: Of their squares; likewise.
        steps: How many there were, this one included.
        square_decay: How slowly squares are forgotten.

    Source: Kingma and Ba, Adam, ICLR 2015, algorithm 1.
    """
    mean += np.float32(1 - MEAN_DECAY) * (gradient - mean)
    square += np.float32(1 - square_decay) * (gradient * gradient - square)
    root = np.sqrt(square / np.float32(1 - square_decay**steps)) + np.float32(1e-8)
    step: FloatArray = np.float32(rate / (1 - MEAN_DECAY**steps)) * mean / root
    return step


def orthogonalise(matrix: FloatArray) -> FloatArray:
    """Nearly the closest orthogonal matrix: singular values move to about 1, by five Newton-Schulz steps.

    Source: Jordan et al., Muon, 2024.
    """
    first, second, third = map(np.float32, NEWTON_SCHULZ)
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    wide = wide / (np.float32(np.linalg.norm(wide)) + np.float32(1e-7))
    for _ in range(5):
        gram: FloatArray = wide @ wide.T
        square: FloatArray = gram @ gram
        change: FloatArray = (second * gram + third * square) @ wide
        wide = first * wide + change
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.T
