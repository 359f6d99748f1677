"""When does a neuron fire, and what is the derivative of firing?

``u`` is the distance of the membrane potential from threshold in volts. All functions but
:func:`soft` return the step ``1[u > 0]``; they differ in the derivative that is used instead of
that of the step (Neftci et al. 2019, doi:10.1109/MSP.2019.2931595).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from cofire._validate import one_of, positive
from cofire.errors import InvalidArgumentError
from cofire.nn.plan import NetworkPlan

DEFAULT_SCALES = {
    "hard": 1.0,
    "soft": 1e-3,
    "superspike": 100.0,
    "slayer": 0.010,
    "fast_sigmoid": 25.0,
    "arctan": 2.0,
}
"""Name of each spike function and its default scale."""

SpikeOption = str | tuple[str, float] | Mapping[str, str | tuple[str, float]]


def hard(u: torch.Tensor) -> torch.Tensor:
    """Step without a gradient, for evaluation."""
    return (u > 0).to(u.dtype)


def soft(u: torch.Tensor, scale: float = DEFAULT_SCALES["soft"]) -> torch.Tensor:
    """Logistic function ``sigmoid(u / scale)`` with its own derivative; scale in V."""
    return torch.sigmoid(u / scale)


def superspike(u: torch.Tensor, scale: float = DEFAULT_SCALES["superspike"]) -> torch.Tensor:
    """Step with the derivative ``b / (1 + b |u|)^2``; scale b in 1/V.

    References
    ----------
    Zenke & Ganguli 2018, doi:10.1162/neco_a_01086
    """
    return _step(u, "superspike", scale)


def slayer(u: torch.Tensor, scale: float = DEFAULT_SCALES["slayer"]) -> torch.Tensor:
    """Step with the derivative ``exp(-|u| / tau) / (2 tau)``; scale tau in V.

    References
    ----------
    Shrestha & Orchard 2018, arXiv:1810.08646
    """
    return _step(u, "slayer", scale)


def fast_sigmoid(u: torch.Tensor, scale: float = DEFAULT_SCALES["fast_sigmoid"]) -> torch.Tensor:
    """Step with the derivative ``1 / (1 + k |u|)^2``; scale k in 1/V.

    The usual k = 25 is meant for potentials of order 1; for a width of some mV pass k around 1e4.
    """
    return _step(u, "fast_sigmoid", scale)


def arctan(u: torch.Tensor, scale: float = DEFAULT_SCALES["arctan"]) -> torch.Tensor:
    """Step with the derivative ``a / 2 / (1 + (pi a u / 2)^2)``; scale a in 1/V.

    References
    ----------
    Fang et al. 2021, doi:10.1109/ICCV48922.2021.00266
    """
    return _step(u, "arctan", scale)


def spike(u: torch.Tensor, name: str, scale: float | None = None) -> torch.Tensor:
    """Spike function by name.

    Parameters
    ----------
    u : tensor, V
        Potential minus threshold.
    name : {"hard", "soft", "superspike", "slayer", "fast_sigmoid", "arctan"}
    scale : float, optional
        Width or steepness of the derivative, in the unit that the function documents.
    """
    name, scale = _checked(name if scale is None else (name, scale))
    if name == "hard":
        return hard(u)
    return soft(u, scale) if name == "soft" else _step(u, name, scale)


def spike_functions(plan: NetworkPlan, option: SpikeOption) -> dict[str, tuple[str, float]]:
    """Name and scale of the spike function of every spiking population.

    Parameters
    ----------
    plan : NetworkPlan
    option : str, (str, float) or mapping of population to one of them
        One choice for all, or one for each.
    """
    names = [p.name for p in plan.populations if p.spikes]
    if not isinstance(option, Mapping):
        return dict.fromkeys(names, _checked(option))
    for name in option:
        if name not in names:
            raise InvalidArgumentError(
                f"spike names {name!r}; the spiking populations are {', '.join(names)}"
            )
    missing = [name for name in names if name not in option]
    if missing:
        raise InvalidArgumentError(f"spike has no entry for {', '.join(missing)}; add it")
    return {name: _checked(option[name]) for name in names}


def _checked(option: Any) -> tuple[str, float]:
    name, scale = option if isinstance(option, tuple) and len(option) == 2 else (option, None)
    one_of(name, "spike", tuple(DEFAULT_SCALES))
    return name, DEFAULT_SCALES[name] if scale is None else positive(scale, f"scale of {name}")


def _step(u: torch.Tensor, name: str, scale: float) -> torch.Tensor:
    result: torch.Tensor = _Step.apply(u, _DERIVATIVES[name], scale)  # type: ignore[no-untyped-call]
    return result


_DERIVATIVES: dict[str, Callable[[torch.Tensor, float], torch.Tensor]] = {
    "superspike": lambda u, b: b / (1 + b * u.abs()) ** 2,
    "slayer": lambda u, tau: torch.exp(-u.abs() / tau) / (2 * tau),
    "fast_sigmoid": lambda u, k: 1 / (1 + k * u.abs()) ** 2,
    "arctan": lambda u, a: 0.5 * a / (1 + (0.5 * math.pi * a * u) ** 2),
}


class _Step(torch.autograd.Function):
    """Step function with another derivative."""

    @staticmethod
    def forward(ctx: Any, u: torch.Tensor, derivative: Any, scale: float) -> torch.Tensor:
        ctx.save_for_backward(u)
        ctx.derivative, ctx.scale = derivative, scale
        return hard(u)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (u,) = ctx.saved_tensors
        return grad * ctx.derivative(u, ctx.scale), None, None
