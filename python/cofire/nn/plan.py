"""Which populations and pathways make a network, in which order, and in which flat layout?

A plan is data: it is checked when it is made and never changes. An ablated or rewired network is
another plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cofire._validate import AnyArray, FloatArray, integer, positive
from cofire.connectome import Connectome
from cofire.errors import InvalidArgumentError, InvalidTypeError
from cofire.nn import layout, plan_io
from cofire.nn.elements import Pathway, Population
from cofire.nn.from_connectome import elements_of
from cofire.nn.layout import CurrentGroup, Slot

_TARGETS = {
    "synapse": (True, True),
    "gap": (True, True),
    "release": (True, True),
    "rate": (True, False),
    "depolarization": (True, False),
    "divisive": (False, True),
}
"""Whether pre and post of a kind of pathway spike."""


@dataclass(frozen=True, eq=False, repr=False)
class NetworkPlan:
    """Populations and pathways of a network, validated, with the layout of its vectors.

    Inside a step, populations are updated in the order in which they are given.

    Parameters
    ----------
    populations : iterable of Population
    pathways : iterable of Pathway
        Their default compartments are filled in.
    dt : float, s
        Time step.

    Attributes
    ----------
    theta_layout, state_layout, noise_layout : list of Slot
        (owner, field, start, stop) in the vectors of effective parameters, of the state of one
        sample, and of the normal numbers of one step.
    drive_layout, spike_layout, voltage_layout : list of Slot
        The same for the input and for what is recorded.
    groups : list of CurrentGroup
        Synapses that share one postsynaptic current.
    refractory_steps : tuple of int
        One per population.
    n_theta, n_state, n_noise, n_all, n_spiking, n_voltage : int
        Lengths of these vectors; ``n_all`` counts all neurons, ``n_spiking`` those that fire.
    key : str
        Hash of the content; plans are equal if their keys are.

    Raises
    ------
    InvalidArgumentError, InvalidTypeError
        The message names the population or pathway, the argument and the remedy.

    Notes
    -----
    ``cofire.save`` and ``cofire.load`` keep plans.

    Examples
    --------
    >>> import numpy as np
    >>> from cofire.nn import NetworkPlan, Pathway, Population
    >>> plan = NetworkPlan(
    ...     [Population("E", 3), Population("I", 2)],
    ...     [Pathway("E_I", "E", "I", np.ones((3, 2)), strength=1e-9)],
    ... )
    >>> plan
    NetworkPlan(2 populations, 5 neurons, 1 pathway, 6 edges, dt 1 ms)
    """

    populations: Sequence[Population]
    pathways: Sequence[Pathway]
    _: KW_ONLY
    dt: float = 1e-3

    def __post_init__(self) -> None:
        populations = _items(self.populations, Population, "populations")
        pathways = _items(self.pathways, Pathway, "pathways")
        object.__setattr__(self, "dt", positive(self.dt, "dt", "s"))
        if not populations:
            raise InvalidArgumentError("a plan needs at least one population")
        _check_names([*populations, *pathways])
        order = {p.name: i for i, p in enumerate(populations)}
        placed = tuple(_placed(w, populations, order) for w in pathways)
        object.__setattr__(self, "populations", populations)
        object.__setattr__(self, "pathways", placed)

    @classmethod
    def from_connectome(
        cls,
        connectome: Connectome,
        by: str = "cell_type",
        *,
        order: Sequence[str] | None = None,
        signs: Mapping[str, int] | str | None = None,
        weights: str = "count",
        normalize: str = "max",
        populations: Mapping[str, Mapping[str, Any]] | None = None,
        pathways: Mapping[tuple[str, str], Mapping[str, Any] | None] | None = None,
        dt: float = 1e-3,
    ) -> NetworkPlan:
        """Make a population of each type of cell, and a pathway wherever one type contacts another.

        Neurons of a population are the cells of its type in the order of the connectome. The
        pathway from type a to type b is named ``"a->b"``; it acts within the step if a comes
        before b in the order of update, otherwise with the spikes of the step before.

        Parameters
        ----------
        connectome : Connectome
            Square; its edge types are added (``connectome.of_type`` chooses among them).
        by : str
            Column of the cells with their type.
        order : sequence of str, optional
            Types in the order of update, usually from the input to the output; cells of other
            types are left out. Default: all types as they first occur.
        signs : mapping of str to {1, -1}, or str, optional
            Sign of the synapses that a type makes; a type that is not mentioned is excitatory. Or
            the column of the cells that holds it.
        weights : {"count", "psd"}
            Number of synapses of a pair, or their summed size.
        normalize : {"max", "input", "none"}
            Divide the weights of a pathway by their largest one, or those of each postsynaptic cell
            by their sum.
        populations : mapping of str to mapping, optional
            Options of :class:`Population` by type. Default: leaky integrate-and-fire.
        pathways : mapping of (str, str) to mapping or None, optional
            Options of :class:`Pathway` by (pre, post); None leaves the pathway out. Default:
            synapses without depression, a "rate" pathway to and a "divisive" one from graded
            populations.
        dt : float, s

        Returns
        -------
        NetworkPlan

        Raises
        ------
        MissingDataError
            No such column, cells without a type, no sizes.
        InvalidArgumentError
            Types or signs that do not fit the cells; the message names them.

        Notes
        -----
        The strength of a synapse is chosen so that one spike of half its presynaptic cells brings
        the average postsynaptic cell (of those with input) to threshold: a start for training.

        Examples
        --------
        >>> import cofire as cf
        >>> from cofire.nn import NetworkPlan
        >>> synapses = {"pre": [1, 2, 2, 3], "post": [3, 3, 3, 4]}
        >>> cells = {"cell_id": [1, 2, 3, 4], "cell_type": ["cone", "cone", "bipolar", "ganglion"]}
        >>> NetworkPlan.from_connectome(cf.Connectome.from_synapses(synapses, cells=cells))
        NetworkPlan(3 populations, 4 neurons, 2 pathways, 3 edges, dt 1 ms)
        """
        found = elements_of(
            connectome,
            by,
            order=order,
            signs=signs,
            weights=weights,
            normalize=normalize,
            populations=populations,
            pathways=pathways,
        )
        return cls(*found, dt=dt)

    @cached_property
    def theta_layout(self) -> list[Slot]:
        """Effective parameters."""
        return layout.lay_out(layout.theta_sizes(self.populations, self.pathways))

    @cached_property
    def state_layout(self) -> list[Slot]:
        """State of one sample between steps."""
        sizes = layout.state_sizes(self.populations, self.pathways, self.groups)
        return layout.lay_out(sizes)

    @cached_property
    def noise_layout(self) -> list[Slot]:
        """Normal numbers of one step of one sample."""
        return layout.lay_out(layout.noise_sizes(self.populations, self.pathways))

    @cached_property
    def drive_layout(self) -> list[Slot]:
        """Input of all populations."""
        return layout.lay_out(layout.drive_sizes(self.populations))

    @cached_property
    def spike_layout(self) -> list[Slot]:
        """Recorded spikes and spike counts."""
        return layout.lay_out(layout.spike_sizes(self.populations))

    @cached_property
    def voltage_layout(self) -> list[Slot]:
        """Recorded voltages and graded activities."""
        return layout.lay_out(layout.voltage_sizes(self.populations))

    @cached_property
    def groups(self) -> list[CurrentGroup]:
        """Synapses that share one current."""
        return layout.current_groups(self.pathways)

    @cached_property
    def refractory_steps(self) -> tuple[int, ...]:
        """Refractory time of each population in steps."""
        return tuple(round(p.refractory / self.dt) for p in self.populations)

    @property
    def n_theta(self) -> int:
        """Number of effective parameters."""
        return layout.total(self.theta_layout)

    @property
    def n_state(self) -> int:
        """Length of the state of one sample."""
        return layout.total(self.state_layout)

    @property
    def n_noise(self) -> int:
        """Normal numbers per step and sample."""
        return layout.total(self.noise_layout)

    @property
    def n_all(self) -> int:
        """Number of neurons."""
        return layout.total(self.drive_layout)

    @property
    def n_spiking(self) -> int:
        """Number of neurons that fire."""
        return layout.total(self.spike_layout)

    @property
    def n_voltage(self) -> int:
        """Number of recorded voltages and activities."""
        return layout.total(self.voltage_layout)

    @cached_property
    def key(self) -> str:
        """Hash of the content."""
        return plan_io.content_hash(self.to_arrays())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NetworkPlan) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        edges = sum(w.n_edges for w in self.pathways)
        return (
            f"NetworkPlan({_plural(len(self.populations), 'population')}, "
            f"{_plural(self.n_all, 'neuron')}, {_plural(len(self.pathways), 'pathway')}, "
            f"{_plural(edges, 'edge')}, dt {1e3 * self.dt:g} ms)"
        )

    @cached_property
    def _owners(self) -> dict[str, Population | Pathway]:
        elements: list[Population | Pathway] = [*self.populations, *self.pathways]
        return {element.name: element for element in elements}

    def population(self, name: str) -> Population:
        """Look up a population by name."""
        found = self._owners.get(name)
        if not isinstance(found, Population):
            known = ", ".join(p.name for p in self.populations)
            raise InvalidArgumentError(f"there is no population {name!r}; the plan has {known}")
        return found

    def pathway(self, name: str) -> Pathway:
        """Look up a pathway by name."""
        found = self._owners.get(name)
        if not isinstance(found, Pathway):
            known = ", ".join(w.name for w in self.pathways)
            raise InvalidArgumentError(f"there is no pathway {name!r}; the plan has {known}")
        return found

    def initial_theta(self) -> FloatArray:
        """(n_theta,) effective parameters at the initial values of the plan."""
        return layout.initial_theta(self.theta_layout, self._owners, self.dt)

    def initial_state(self, batch: int = 1) -> FloatArray:
        """(batch, n_state) state at rest.

        Voltages at reset, resources full, everything else 0.
        """
        row = np.zeros(self.n_state)
        for owner, field, start, stop in self.state_layout:
            if field in ("v", "v_dendrite", "v_axon"):
                row[start:stop] = self.population(owner).v_reset
            elif field == "resources":
                row[start:stop] = 1.0
        return np.tile(row, (integer(batch, "batch", 1), 1))

    def without(self, *names: str) -> NetworkPlan:
        """Plan without some pathways.

        Parameters
        ----------
        *names : str
            Names of pathways.
        """
        dropped = {self.pathway(name).name for name in names}
        return self._with(w for w in self.pathways if w.name not in dropped)

    def without_depression(self, *names: str) -> NetworkPlan:
        """Plan in which some synapses do not depress: each spike is transmitted whole.

        Parameters
        ----------
        *names : str
            Names of synapses; none means all.
        """
        chosen = {self.pathway(name).name for name in names} or {w.name for w in self.pathways}
        return self._with(
            dataclasses.replace(w, depression=False) if w.name in chosen else w
            for w in self.pathways
        )

    def with_weights(self, name: str, weights: Any) -> NetworkPlan:
        """Plan in which one pathway has other weights.

        Parameters
        ----------
        name : str
            Name of the pathway.
        weights : (n_pre, n_post) array or sparse matrix
        """
        chosen = self.pathway(name)
        return self._with(
            dataclasses.replace(w, weights=weights) if w is chosen else w for w in self.pathways
        )

    def _with(self, pathways: Iterable[Pathway]) -> NetworkPlan:
        return NetworkPlan(self.populations, list(pathways), dt=self.dt)

    def to_arrays(self) -> dict[str, AnyArray]:
        """Everything as arrays (one of them text), for a checkpoint or another process."""
        return plan_io.to_arrays(self.populations, self.pathways, self.dt)

    @classmethod
    def from_arrays(cls, arrays: Any) -> NetworkPlan:
        """Inverse of :meth:`to_arrays`.

        Parameters
        ----------
        arrays : mapping of str to array

        Raises
        ------
        FileFormatError, UnsupportedVersionError
            The arrays are not those of a plan, or of a newer version.
        """
        populations, pathways, dt = plan_io.from_arrays(arrays)
        return cls(populations, pathways, dt=dt)


def _items(values: Any, kind: type[Any], name: str) -> tuple[Any, ...]:
    try:
        items = tuple(values)
    except TypeError as error:
        raise InvalidTypeError(f"{name} must be a list of {kind.__name__}") from error
    for i, item in enumerate(items):
        if not isinstance(item, kind):
            raise InvalidTypeError(
                f"{name}[{i}] must be a {kind.__name__}, got {type(item).__name__}"
            )
    return items


def _check_names(elements: list[Population | Pathway]) -> None:
    seen = set()
    for element in elements:
        if element.name in seen:
            raise InvalidArgumentError(
                f"the name {element.name!r} occurs twice; populations and pathways need "
                "different names"
            )
        seen.add(element.name)


def _placed(w: Pathway, populations: Sequence[Population], order: dict[str, int]) -> Pathway:
    """Check a pathway against its populations and fill in its compartment."""
    where = f"pathway {w.name!r}"
    for side in ("pre", "post"):
        if getattr(w, side) not in order:
            raise InvalidArgumentError(
                f"{where}: {side} is {getattr(w, side)!r}, but the populations are "
                f"{', '.join(order)}"
            )
    pre, post = populations[order[w.pre]], populations[order[w.post]]
    if w.weights.shape != (pre.n, post.n):
        turned = " (transposed?)" if w.weights.shape == (post.n, pre.n) else ""
        raise InvalidArgumentError(
            f"{where}: weights must be (n_pre, n_post) = ({pre.n}, {post.n}), got "
            f"{w.weights.shape}{turned}"
        )
    for side, population, spikes in zip(
        ("pre", "post"), (pre, post), _TARGETS[w.kind], strict=True
    ):
        if population.spikes != spikes:
            wanted = "spiking" if spikes else "graded"
            raise InvalidArgumentError(
                f"{where}: {side} of a {w.kind} pathway must be a {wanted} population, "
                f"{population.name!r} is {population.kind}"
            )
    needs_order = w.kind == "divisive" or (w.kind == "synapse" and w.timing == "current")
    if needs_order and order[w.pre] >= order[w.post]:
        remedy = ' or set timing="previous"' if w.kind == "synapse" else ""
        raise InvalidArgumentError(
            f"{where}: {w.pre!r} must come before {w.post!r} in the plan, since the pathway acts "
            f"within the step; change the order{remedy}"
        )
    if w.kind == "gap" and w.pre == w.post and (w.weights != w.weights.T).nnz:
        raise InvalidArgumentError(
            f"{where}: gap junctions within a population need symmetric weights; "
            "pass weights + weights.T"
        )
    return _with_compartment(w, post, where)


def _with_compartment(w: Pathway, post: Population, where: str) -> Pathway:
    if not post.spikes:
        if w.compartment is not None:
            raise InvalidArgumentError(
                f"{where}: a graded population has no compartments; leave compartment out"
            )
        return w
    choices = ("soma",) if post.kind == "lif" else ("dendrite", "axon")
    compartment = choices[0] if w.compartment is None else w.compartment
    if compartment not in choices or (w.kind in ("gap", "divisive") and compartment == "axon"):
        allowed = choices[:1] if w.kind in ("gap", "divisive") else choices
        raise InvalidArgumentError(
            f"{where}: compartment must be {' or '.join(map(repr, allowed))} for a {w.kind} "
            f"pathway to a {post.kind} population, got {compartment!r}"
        )
    if w.divided and compartment == "axon":
        raise InvalidArgumentError(
            f"{where}: currents into the axon are not divided; set divided=False"
        )
    return w if compartment == w.compartment else dataclasses.replace(w, compartment=compartment)


def _plural(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
