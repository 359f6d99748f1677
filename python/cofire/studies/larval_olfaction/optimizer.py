"""Adam on all parameters at once: one vector, a rate per element, a norm bound, a box."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from cofire.errors import InvalidArgumentError

_BETAS = (0.9, 0.999)
_EPS = 1e-8
STATE = ("values", "first", "second")
"""Vectors of an optimizer that, with the number of steps, are its state."""


class FlatAdam:
    """Adam whose parameters are views of one vector, so that a step is a dozen operations.

    The arithmetic is that of ``torch.optim.Adam`` after ``clip_grad_norm_`` over all parameters,
    followed by the projection into a box.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        Of one dtype, on the CPU. Their storage becomes part of :attr:`values`.
    rates : mapping of str to float
        Learning rate of each.
    clip_norm : float, optional
        Bound of the gradient's norm.
    project : callable, optional
        Clamps the parameters in place, element by element; called here to learn the bounds.

    Attributes
    ----------
    values, gradient, first, second : Tensor (n,)
        Parameters, their gradients, and Adam's two moments.
    steps : int
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        rates: Mapping[str, float],
        *,
        clip_norm: float | None = None,
        project: Callable[[], object] | None = None,
    ) -> None:
        missing = [name for name in parameters if name not in rates]
        if missing:
            raise InvalidArgumentError(f"no learning rate for {', '.join(missing)}")
        self._names = tuple(parameters)
        self._sizes = [p.numel() for p in parameters.values()]
        self.values = torch.cat([p.detach().reshape(-1) for p in parameters.values()])
        self.gradient, self.first, self.second = (torch.zeros_like(self.values) for _ in range(3))
        self._rate = torch.cat(
            [self.values.new_full((p.numel(),), rates[name]) for name, p in parameters.items()]
        )
        for (name, p), value, slope in zip(
            parameters.items(),
            torch.split(self.values, self._sizes),
            torch.split(self.gradient, self._sizes),
            strict=True,
        ):
            if p.device.type != "cpu":
                raise InvalidArgumentError(f"{name} must be on the CPU, got {p.device}")
            p.data = value.view(p.shape)
            p.grad = slope.view(p.shape)
        self.steps = 0
        self._clip_norm = clip_norm
        self._box = self._bounds(project) if project is not None else None

    def _bounds(self, project: Callable[[], object]) -> tuple[Tensor, Tensor]:
        kept = self.values.clone()
        bounds = []
        for extreme in (-torch.inf, torch.inf):
            self.values.fill_(extreme)
            project()
            bounds.append(self.values.clone())
        self.values.copy_(kept)
        return bounds[0], bounds[1]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self.gradient.zero_()

    @torch.no_grad()
    def gradient_norm(self) -> float:
        """Euclidean norm of the gradient over all parameters."""
        return float(torch.linalg.vector_norm(self.gradient))

    @torch.no_grad()
    def step(self, norm: float) -> None:
        """Move the parameters against their gradient of the given norm."""
        if self._clip_norm is not None:
            self.gradient.mul_(min(1.0, self._clip_norm / (norm + 1e-6)))
        self.steps += 1
        slow, fast = (1.0 - beta**self.steps for beta in _BETAS)
        self.first.lerp_(self.gradient, 1.0 - _BETAS[0])
        self.second.mul_(_BETAS[1]).addcmul_(self.gradient, self.gradient, value=1.0 - _BETAS[1])
        spread = self.second.sqrt().div_(fast**0.5).add_(_EPS)
        self.values.addcdiv_(self.first * self._rate, spread, value=-1.0 / slow)
        if self._box is not None:
            torch.clamp(self.values, *self._box, out=self.values)

    def state(self) -> dict[str, Tensor]:
        """Copies of the vectors that make up the state (see :data:`STATE`)."""
        return {name: getattr(self, name).clone() for name in STATE}

    def load_state(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Take over a state."""
        for name in STATE:
            stored = state[name]
            if stored.shape != self.values.shape or stored.dtype != self.values.dtype:
                raise InvalidArgumentError(
                    f"{name} must be {tuple(self.values.shape)} {self.values.dtype}, got "
                    f"{tuple(stored.shape)} {stored.dtype}: it belongs to another model"
                )
        for name in STATE:
            getattr(self, name).copy_(state[name])
        self.steps = steps

    def not_finite(self) -> list[str]:
        """Names of the parameters that hold a value or gradient that is not finite."""
        bad = ~(self.values.isfinite() & self.gradient.isfinite())
        return [
            name
            for name, part in zip(self._names, torch.split(bad, self._sizes), strict=True)
            if bool(part.any())
        ]
