"""From what an optimizer changes to what the equations use, in a few vectorized operations.

Every learnable value has a raw form without limits (a logarithm, a logit, ...). The raw values are
gathered by transform, transformed at once and put into the order of ``plan.theta_layout``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cofire._validate import AnyArray
from cofire.errors import InvalidArgumentError
from cofire.nn.elements import Population
from cofire.nn.layout import Slot, compartment_step
from cofire.nn.plan import NetworkPlan


class Raw(NamedTuple):
    """How one slot of theta is learned.

    Attributes
    ----------
    name : str
        Of the raw parameter, for example ``log_tau_m``.
    quantity : str
        Of the physical value behind it, for example ``tau_m``.
    transform : {"exp", "softplus", "sigmoid", "identity"}
        From the raw to the physical value.
    scale : float
        Factor after the transform.
    """

    name: str
    quantity: str
    transform: str
    scale: float

    def physical(self, raw: Tensor) -> Tensor:
        """Physical value of a raw one."""
        return self.scale * _TRANSFORMS[self.transform](raw)

    def inverse(self, value: Any, where: str) -> AnyArray:
        """Raw value of a physical one, float64."""
        x = np.asarray(value, dtype=np.float64) / self.scale
        if self.transform == "identity":
            return x
        if not (x > 0).all() or (self.transform == "sigmoid" and not (x < 1).all()):
            limits = "between 0 and 1" if self.transform == "sigmoid" else "above 0"
            raise InvalidArgumentError(
                f"{where}: {self.quantity} is learned as {self.name} and must be {limits}, got "
                f"{np.min(x) * self.scale:g}"
            )
        return _INVERSES[self.transform](x)


def softplus(x: Tensor) -> Tensor:
    """``log(1 + exp(x))``, exact to double precision."""
    return F.softplus(x, 1.0, 40.0)


_TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp,
    "softplus": softplus,
    "sigmoid": torch.sigmoid,
    "identity": lambda raw: raw,
}
_INVERSES: dict[str, Callable[[AnyArray], AnyArray]] = {
    "exp": np.log,
    "softplus": lambda x: x + np.log(-np.expm1(-x)),
    "sigmoid": lambda x: np.log(x) - np.log1p(-x),
}
_PREFIX = {"exp": "log_", "softplus": "raw_", "sigmoid": "logit_", "identity": ""}
# Field of theta: physical quantity and default transform.
_QUANTITIES = {
    "decay": ("tau_m", "exp"),
    "step": ("g_soma", "exp"),
    "threshold": ("v_th", "identity"),
    "strength": ("strength", "exp"),
    "use": ("use", "sigmoid"),
    "recovery": ("tau_rec", "exp"),
    "conductance": ("conductance", "exp"),
    "gain": ("gain", "softplus"),
}


def raw_of(field: str, transform: str | None = None, scale: float = 1.0) -> Raw:
    """How a field of theta is learned, by default or with another transform."""
    quantity, default = _QUANTITIES[field]
    kind = transform or default
    return Raw(_PREFIX[kind] + quantity, quantity, kind, scale)


class Source(NamedTuple):
    """Where the raw parameter of a slot is kept: a name in the parameters of a module."""

    home: Mapping[str, Tensor]
    raw: Raw

    def get(self) -> Tensor:
        """Raw parameter."""
        return self.home[self.raw.name]


class _Group(NamedTuple):
    """Slots of theta with the same way from raw to effective values: scalars, then vectors."""

    finish: _Finish
    n_scalars: int
    vectors: list[Source]


class Packer:
    """Makes theta from raw parameters; as many operations as there are transforms."""

    def __init__(self, plan: NetworkPlan, sources: Sequence[Source]) -> None:
        ways: dict[tuple[str, str], list[tuple[Slot, Source]]] = {}
        for slot, source in zip(plan.theta_layout, sources, strict=True):
            way = slot.field if slot.field in ("step", "decay", "recovery") else ""
            way = "decay" if way == "recovery" else way
            ways.setdefault((way, source.raw.transform), []).append((slot, source))
        self._scalars: list[Source] = []
        self._groups: list[_Group] = []
        order = []
        for (way, transform), members in ways.items():
            members.sort(key=lambda member: member[1].get().ndim)
            vectors = [source for _, source in members if source.get().ndim]
            scalars = [source for _, source in members if source.get().ndim == 0]
            scales = [np.full(source.get().numel(), source.raw.scale) for _, source in members]
            self._scalars += scalars
            scale = np.concatenate(scales)
            finish = _Finish(
                transform=transform,
                scale=None if (scale == 1).all() else torch.from_numpy(scale),
                dt=plan.dt if way else None,
                coupled=[plan.population(slot.owner) for slot, _ in members if way == "step"],
            )
            self._groups.append(_Group(finish, len(scalars), vectors))
            order += [np.arange(slot.start, slot.stop) for slot, _ in members]
        place = np.empty(plan.n_theta, dtype=np.int64)
        place[np.concatenate(order)] = np.arange(plan.n_theta)
        self._place = torch.from_numpy(place)

    def __call__(self) -> Tensor:
        """(n_theta,) effective parameters."""
        sizes = [group.n_scalars for group in self._groups]
        if self._scalars:
            stacked = torch.split_with_sizes(torch.stack([s.get() for s in self._scalars]), sizes)
        values = []
        for i, group in enumerate(self._groups):
            raw = [stacked[i]] if group.n_scalars else []
            raw += [source.get() for source in group.vectors]
            values.append(group.finish(torch.cat(raw) if len(raw) > 1 else raw[0]))
        theta = torch.cat(values)
        return theta[self._place.to(theta.device)]


@dataclass(frozen=True)
class _Finish:
    """From the raw values of a group to its part of theta."""

    transform: str
    scale: Tensor | None
    dt: float | None
    coupled: list[Population]

    def __call__(self, raw: Tensor) -> Tensor:
        value = _TRANSFORMS[self.transform](raw)
        if self.scale is not None:
            value = value * self.scale.to(value)
        if self.dt is None:
            return value
        if not self.coupled:
            return torch.exp(-self.dt / value)
        numbers = [
            compartment_step(g, float(p.tau_m), p.capacitance, self.dt, torch.exp)
            for p, g in zip(self.coupled, value, strict=True)
        ]
        return torch.stack([x for four in numbers for x in four])
