"""From what an optimizer changes to what the equations use, in a few vectorized operations.

Every learnable value has a raw form without limits (a logarithm, a logit, ...). The raw values are
gathered by transform, transformed at once and put into the order of ``plan.theta_layout``.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

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


class _Segment(NamedTuple):
    """Neighbors in the raw vector whose values become effective in the same way."""

    field: str
    transform: str
    size: int
    scale: Tensor | None
    coupled: list[Population]


class Packer:
    """Makes theta from raw parameters, with as many operations as there are transforms.

    Parameters
    ----------
    plan : NetworkPlan
    sources : sequence of Source
        One per slot of ``plan.theta_layout``.
    """

    def __init__(self, plan: NetworkPlan, sources: Sequence[Source]) -> None:
        alike: dict[tuple[bool, str, str], list[tuple[Slot, Source]]] = {}
        for slot, source in zip(plan.theta_layout, sources, strict=True):
            # Values that are not named here are effective as they are.
            field = {"step": "step", "decay": "decay", "recovery": "decay"}.get(slot.field, "")
            key = (source.get().ndim > 0, field, source.raw.transform)
            alike.setdefault(key, []).append((slot, source))
        self._dt = plan.dt
        self._sources: list[Source] = []
        self._segments: list[_Segment] = []
        place, origin, n_raw = [], [], 0
        # Scalars come first: one operation stacks them.
        for (_, field, transform), members in sorted(alike.items()):
            sizes = [source.get().numel() for _, source in members]
            self._sources += [source for _, source in members]
            scale = np.repeat([source.raw.scale for _, source in members], sizes)
            self._segments.append(
                _Segment(
                    field,
                    transform,
                    sum(sizes),
                    torch.from_numpy(scale) if (scale != 1).any() else None,
                    [plan.population(slot.owner) for slot, _ in members if field == "step"],
                )
            )
            for (slot, _), size in zip(members, sizes, strict=True):
                place.append(np.arange(slot.start, slot.stop))
                origin.append(np.resize(np.arange(n_raw, n_raw + size), slot.stop - slot.start))
                n_raw += size
        order = np.argsort(np.concatenate(place))
        self._order = torch.from_numpy(order)
        self._origin = torch.from_numpy(np.concatenate(origin)[order])

    def __call__(self) -> Tensor:
        """(n_theta,) effective parameters, differentiable once with respect to the raw ones."""
        parameters = [source.get() for source in self._sources]
        return _Pack.apply(self, *parameters)  # type: ignore[no-any-return,no-untyped-call]

    def evaluate(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Effective values, their derivatives, and which raw value each one depends on."""
        pieces = raw.split_with_sizes([segment.size for segment in self._segments])
        values, slopes = zip(
            *(self._segment(s, piece) for s, piece in zip(self._segments, pieces, strict=True)),
            strict=True,
        )
        order, origin = self._order.to(raw.device), self._origin.to(raw.device)
        return torch.cat(values)[order], torch.cat(slopes)[order], origin

    def _segment(self, segment: _Segment, raw: Tensor) -> tuple[Tensor, Tensor]:
        value, slope = _VALUES_AND_SLOPES[segment.transform](raw)
        if segment.scale is not None:
            scale = segment.scale.to(raw)
            value, slope = scale * value, scale * slope
        if segment.field == "decay":
            decay = torch.exp(-self._dt / value)
            return decay, decay * self._dt / value**2 * slope
        if segment.field == "step":
            return self._coupling(segment, value, slope)
        return value, slope

    def _coupling(self, segment: _Segment, value: Tensor, slope: Tensor) -> tuple[Tensor, Tensor]:
        # An imaginary part of 1e-20 carries the derivative, without loss of digits.
        numbers = np.array(
            [
                compartment_step(
                    g * (1 + 1e-20j), float(p.tau_m), p.capacitance, self._dt, cmath.exp
                )
                for p, g in zip(segment.coupled, value.tolist(), strict=True)
            ]
        )
        by_conductance = torch.from_numpy(numbers.imag / 1e-20).to(value) / value[:, None]
        return (
            torch.from_numpy(numbers.real.ravel()).to(value),
            (by_conductance * slope[:, None]).flatten(),
        )


def _exp(raw: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.exp(raw)
    return value, value


def _sigmoid(raw: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.sigmoid(raw)
    return value, value * (1 - value)


_VALUES_AND_SLOPES: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "exp": _exp,
    "softplus": lambda raw: (softplus(raw), torch.sigmoid(raw)),
    "sigmoid": _sigmoid,
    "identity": lambda raw: (raw, torch.ones_like(raw)),
}


class _Pack(torch.autograd.Function):
    """One node of the graph for all raw parameters: many small ones would cost more than a step."""

    @staticmethod
    def forward(ctx: Any, packer: Packer, *parameters: Tensor) -> Tensor:
        n_scalars = sum(p.ndim == 0 for p in parameters)
        scalars = [torch.stack(parameters[:n_scalars])] if n_scalars else []
        theta, slope, origin = packer.evaluate(torch.cat([*scalars, *parameters[n_scalars:]]))
        ctx.save_for_backward(slope, origin)
        ctx.n_scalars, ctx.sizes = n_scalars, [p.numel() for p in parameters[n_scalars:]]
        return theta

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        slope, origin = ctx.saved_tensors
        raw = grad.new_zeros(ctx.n_scalars + sum(ctx.sizes))
        raw.index_add_(0, origin, grad * slope)
        vectors = raw[ctx.n_scalars :].split_with_sizes(ctx.sizes) if ctx.sizes else ()
        return None, *raw[: ctx.n_scalars].unbind(), *vectors
