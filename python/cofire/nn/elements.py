"""What is a network made of? Populations and the pathways between them, in SI units."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse

from cofire._validate import AnyArray, integer, one_of, positive, real
from cofire.errors import InvalidArgumentError, InvalidTypeError

POPULATION_KINDS = ("lif", "two_compartment", "graded")
PATHWAY_KINDS = ("synapse", "gap", "release", "rate", "depolarization", "divisive")
TIMINGS = ("current", "previous")
COMPARTMENTS = ("soma", "dendrite", "axon")
NOISES = ("noise_input", "noise_current", "noise_voltage", "noise_threshold")


@dataclass(frozen=True, eq=False)
class Population:
    """A group of neurons of one kind.

    Parameters
    ----------
    name : str
        Unique among the populations and pathways of a plan.
    n : int
        Number of neurons.
    kind : {"lif", "two_compartment", "graded"}
        Leaky integrate-and-fire; dendrite and axon coupled by a conductance, spikes from the axon;
        or a leaky activity without spikes.
    v_rest, v_reset, v_min : float, V
        Resting and reset potential, and the floor below which no potential falls.
    resistance : float, ohm
    refractory : float, s
        Rounded to whole steps; a neuron that fires at step t may fire again at step
        ``t + refractory / dt``.
    capacitance, g_soma : float, F and S
        Of the coupling between the two compartments.
    tau_m : float or (n,) array, s
        Time constant. An array only with kind "lif"; of a two-compartment neuron it is a constant,
        elsewhere a parameter that can be learned.
    v_th : float or (n,) array, V
        Threshold, one learnable value per neuron.
    noise_input : float
        Relative: the drive is multiplied by ``1 + noise_input * xi``.
    noise_current : float, A
        Only with kind "lif".
    noise_voltage, noise_threshold : float, V
        Standard deviations, fresh for each neuron and step.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        The message names the population and the argument.
    """

    name: str
    n: int
    kind: str = "lif"
    _: KW_ONLY
    v_rest: float = -0.060
    v_reset: float = -0.060
    v_min: float = -0.080
    resistance: float = 1e9
    refractory: float = 0.002
    capacitance: float = 2e-11
    tau_m: float | AnyArray = 0.020
    v_th: float | AnyArray = -0.0425
    g_soma: float = 10e-9
    noise_input: float = 0.0
    noise_current: float = 0.0
    noise_voltage: float = 0.0
    noise_threshold: float = 0.0

    def __post_init__(self) -> None:
        where = _named(self.name, "population")
        kept = _Setter(self)
        kept("n", integer(self.n, f"{where}: n", 1))
        one_of(self.kind, f"{where}: kind", POPULATION_KINDS)
        for name in ("v_rest", "v_reset", "v_min"):
            kept(name, real(getattr(self, name), f"{where}: {name}"))
        for name in ("resistance", "capacitance", "g_soma"):
            kept(name, positive(getattr(self, name), f"{where}: {name}"))
        for name in ("refractory", *NOISES):
            kept(name, _not_negative(getattr(self, name), f"{where}: {name}"))
        kept("tau_m", _scalar_or_each(self.tau_m, self.n, f"{where}: tau_m", above_zero=True))
        kept("v_th", _scalar_or_each(self.v_th, self.n, f"{where}: v_th"))
        if self.v_min > self.v_reset:
            raise InvalidArgumentError(
                f"{where}: v_min ({self.v_min:g} V) must not be above v_reset ({self.v_reset:g} V)"
            )
        if self.kind != "lif":
            self._check_other_kinds(where)

    def _check_other_kinds(self, where: str) -> None:
        if np.ndim(self.tau_m):
            raise InvalidArgumentError(
                f'{where}: one tau_m per neuron needs kind="lif"; pass one number to a '
                f"{self.kind} population"
            )
        refused = NOISES if self.kind == "graded" else ("noise_current",)
        for name in refused:
            if getattr(self, name):
                raise InvalidArgumentError(
                    f"{where}: a {self.kind} population has no {name}; leave it 0"
                )

    @property
    def spikes(self) -> bool:
        """Whether its neurons fire."""
        return self.kind != "graded"

    def __repr__(self) -> str:
        return f"Population({self.name!r}, {self.n}, {self.kind!r})"


@dataclass(frozen=True, eq=False)
class Pathway:
    """Connections of one kind from one population to another (or to itself).

    Parameters
    ----------
    name : str
        Unique among the populations and pathways of a plan.
    pre, post : str
        Names of the populations.
    weights : (n_pre, n_post) array or sparse matrix
        ``[pre, post]``; kept as CSR float64 by presynaptic neuron with sorted columns and without
        zeros. Of a gap junction: a mask >= 0, symmetric if `pre` is `post`.
    kind : str
        ``"synapse"``
            Spikes of `pre` add ``sign * strength * (y N)`` to a current of `post` that decays with
            `tau_syn`; y is the spike, or with short-term depression the released part of it.
        ``"gap"``
            Ohmic current between the voltages at the start of the step, both ways.
        ``"release"``
            Graded release ``conductance * (min(relu(v_pre - v_reset), cap) N)``, unfiltered.
        ``"rate"``
            Mean spike rate of `pre` so far into a graded population, times `gain`.
        ``"depolarization"``
            ``gain * (relu(v_pre - v_reset) N)`` into a graded population.
        ``"divisive"``
            A graded population divides drive and divided currents of `post` by
            ``1 + gain * (relu(a) N)``.
    sign : {1, -1}
        Excitatory or inhibitory (synapses only).
    timing : {"current", "previous"}
        Whether a synapse sees the spikes of this step (`pre` comes earlier in the plan) or of the
        step before.
    compartment : {"soma", "dendrite", "axon"}, optional
        Where the current enters: "soma" of a LIF neuron; "dendrite" (default) or "axon" of a
        two-compartment neuron.
    divided : bool
        Whether divisive pathways act on the current of this synapse.
    tau_syn : float, s
    depression : bool
        Short-term depression with `use` (released fraction) and `tau_rec` (s, recovery).
    noise : float
        Relative standard deviation of the synaptic current, one draw per postsynaptic neuron and
        step.
    strength : float, A
        Initial value; with `per_edge` also an array with one value per edge in CSR order.
    use, tau_rec : float, 1 and s
        Initial values of the depression.
    per_edge : bool
        Learn one strength per edge instead of one for the pathway.
    conductance : float, S
        Initial value (gap, release).
    gain : float
        Initial value (rate, depolarization, divisive).
    cap : float, V
        Largest depolarization that releases (release).

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        The message names the pathway and the argument.
    """

    name: str
    pre: str
    post: str
    weights: Any
    kind: str = "synapse"
    _: KW_ONLY
    sign: int = 1
    timing: str = "current"
    compartment: str | None = None
    divided: bool = False
    tau_syn: float = 0.005
    depression: bool = True
    noise: float = 0.0
    strength: float | AnyArray | None = None
    use: float = 0.3
    tau_rec: float = 0.2
    per_edge: bool = False
    conductance: float | None = None
    gain: float = 1.0
    cap: float = 0.030

    def __post_init__(self) -> None:
        where = _named(self.name, "pathway")
        kept = _Setter(self)
        one_of(self.kind, f"{where}: kind", PATHWAY_KINDS)
        one_of(self.timing, f"{where}: timing", TIMINGS)
        if self.compartment is not None:
            one_of(self.compartment, f"{where}: compartment", COMPARTMENTS)
        if self.sign not in (1, -1):
            raise InvalidArgumentError(f"{where}: sign must be 1 or -1, got {self.sign!r}")
        kept("sign", int(self.sign))
        kept("weights", _csr(self.weights, where))
        for name in ("tau_syn", "tau_rec", "cap"):
            kept(name, positive(getattr(self, name), f"{where}: {name}"))
        for name in ("noise", "gain"):
            kept(name, _not_negative(getattr(self, name), f"{where}: {name}"))
        for name in ("divided", "depression", "per_edge"):
            kept(name, bool(getattr(self, name)))
        kept("use", real(self.use, f"{where}: use"))
        if not 0 <= self.use <= 1:
            raise InvalidArgumentError(f"{where}: use must lie between 0 and 1, got {self.use!r}")
        self._check_amplitude(where, kept)
        if self.kind != "synapse":
            self._check_unused(where)
        if self.kind == "gap" and (self.weights.data < 0).any():
            raise InvalidArgumentError(f"{where}: the mask of a gap junction must not be negative")

    def _check_amplitude(self, where: str, kept: _Setter) -> None:
        """Strength of synapses, conductance of gaps and release."""
        if self.kind == "synapse":
            if self.strength is None:
                raise InvalidArgumentError(f"{where}: a synapse needs strength (A)")
            edges = self.n_edges if self.per_edge else 0
            value = _scalar_or_each(self.strength, edges, f"{where}: strength")
            if np.any(np.asarray(value) < 0):
                raise InvalidArgumentError(
                    f"{where}: strength must not be negative; sign=-1 makes the pathway inhibitory"
                )
            kept("strength", value)
        elif self.kind in ("gap", "release"):
            if self.conductance is None:
                raise InvalidArgumentError(f"{where}: a {self.kind} pathway needs conductance (S)")
            kept("conductance", _not_negative(self.conductance, f"{where}: conductance"))

    def _check_unused(self, where: str) -> None:
        for name, unset in _SYNAPSE_ONLY.items():
            if getattr(self, name) != unset:
                raise InvalidArgumentError(
                    f"{where}: {name} belongs to synapses, not to a {self.kind} pathway; "
                    "leave it out"
                )

    @property
    def n_edges(self) -> int:
        """Number of stored weights."""
        return int(self.weights.nnz)

    @property
    def indptr(self) -> AnyArray:
        """(n_pre + 1,) int64: where the edges of each presynaptic neuron start."""
        return self.weights.indptr.astype(np.int64)  # type: ignore[no-any-return]

    @property
    def indices(self) -> AnyArray:
        """(n_edges,) int32: postsynaptic neuron of each edge."""
        return self.weights.indices.astype(np.int32)  # type: ignore[no-any-return]

    @property
    def values(self) -> AnyArray:
        """(n_edges,) float64: weight of each edge."""
        return self.weights.data  # type: ignore[no-any-return]

    @property
    def active_pre(self) -> AnyArray:
        """Presynaptic neurons with at least one edge, ascending int64."""
        return np.flatnonzero(np.diff(self.weights.indptr))

    def __repr__(self) -> str:
        return (
            f"Pathway({self.name!r}, {self.pre!r} -> {self.post!r}, {self.kind!r}, "
            f"{self.n_edges} edges)"
        )


_SYNAPSE_ONLY: dict[str, Any] = {
    "sign": 1,
    "timing": "current",
    "divided": False,
    "noise": 0.0,
    "strength": None,
    "per_edge": False,
}


class _Setter:
    """Writes normalized values into a frozen dataclass while it is made."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __call__(self, name: str, value: Any) -> None:
        object.__setattr__(self._target, name, value)


def field_values(element: Population | Pathway) -> dict[str, Any]:
    """Field names and values, in order, arrays as they are."""
    return {f.name: getattr(element, f.name) for f in fields(element)}


def _named(name: Any, what: str) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidTypeError(f"the name of a {what} must be text, got {name!r}")
    if "." in name:
        raise InvalidArgumentError(
            f"{what} {name!r}: a name must not contain a point, which parts names of parameters"
        )
    return f"{what} {name!r}"


def _not_negative(value: float, name: str) -> float:
    number = real(value, name)
    if number < 0:
        raise InvalidArgumentError(f"{name} must not be negative, got {value!r}")
    return number


def _scalar_or_each(value: Any, n: int, name: str, *, above_zero: bool = False) -> float | AnyArray:
    """One number, or a read-only array of n."""
    if np.ndim(value) == 0:
        return positive(value, name) if above_zero else real(value, name)
    array = np.array(value, dtype=np.float64)
    if n == 0:
        raise InvalidArgumentError(f"{name} must be one number, got shape {array.shape}")
    if array.shape != (n,):
        raise InvalidArgumentError(f"{name} must be one number or have {n}, got {array.shape}")
    bad = ~np.isfinite(array) | ((array <= 0) if above_zero else False)
    if bad.any():
        i = int(np.flatnonzero(bad)[0])
        wanted = "positive and finite" if above_zero else "finite"
        raise InvalidArgumentError(f"{name} must be {wanted}: element {i} is {array[i]}")
    array.flags.writeable = False
    return array


def _csr(weights: Any, where: str) -> Any:
    """Weights as a read-only CSR array of float64, sorted, without zeros or duplicates."""
    try:
        matrix = sparse.csr_array(weights, dtype=np.float64, copy=True)
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(
            f"{where}: weights must be a 2-D array or sparse matrix (n_pre, n_post) of numbers"
        ) from error
    if matrix.ndim != 2:
        raise InvalidArgumentError(f"{where}: weights must be 2-D, got shape {matrix.shape}")
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if not np.isfinite(matrix.data).all():
        edge = int(np.flatnonzero(~np.isfinite(matrix.data))[0])
        pre = int(np.searchsorted(matrix.indptr, edge, side="right")) - 1
        raise InvalidArgumentError(
            f"{where}: weights must be finite: [{pre}, {matrix.indices[edge]}] is "
            f"{matrix.data[edge]}"
        )
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix
