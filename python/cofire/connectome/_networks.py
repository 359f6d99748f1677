"""Connectomes from networkx graphs and GraphML files, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import numpy as np

from cofire._validate import AnyArray
from cofire.connectome._edge_tables import COUNT, PSD, from_edges
from cofire.connectome._ids import unique_ids
from cofire.errors import (
    FileFormatError,
    InvalidTypeError,
    MissingDataError,
    RecordingNotFoundError,
)

if TYPE_CHECKING:
    import networkx as nx

    from cofire.connectome.connectome import Connectome

_TYPE = "edge_type"


def from_networkx(
    cls: type[Connectome],
    graph: Any,
    *,
    count: str | None = None,
    psd: str | None = None,
    edge_type: str | None = None,
    cell_id: str | None = None,
) -> Connectome:
    """Take over a networkx graph: nodes are cells, edges connected pairs.

    Parameters
    ----------
    graph : networkx.Graph, DiGraph, MultiGraph or MultiDiGraph
        Edges of an undirected graph count in both directions; parallel edges are added up.
    count : str, optional
        Edge attribute of synapse counts. Default the first that an edge has of ``count``,
        ``n_synapses``, ``n_syn``, ``syn_count``, ``weight``; an edge without it is one synapse.
    psd : str, optional
        Edge attribute of summed sizes. Default ``psd``, ``summed_psd`` or ``size`` if an edge has
        it; all edges must.
    edge_type : str, optional
        Edge attribute of edge types. Default ``edge_type`` if an edge has it.
    cell_id : str, optional
        Node attribute of the ids. Default the nodes themselves, which must be integers or text.

    Returns
    -------
    Connectome
        Cells in the order of the nodes; their attributes are :attr:`cells`.

    Raises
    ------
    InvalidTypeError
        Not a networkx graph.
    ConnectomeError, DuplicateIdError
        Nodes that are no ids; counts that are not whole, negative or missing sizes.
    MissingDataError
        No such attribute.

    Examples
    --------
    >>> import networkx as nx
    >>> import cofire as cf
    >>> graph = nx.DiGraph()
    >>> graph.add_edge("AVAL", "AVBL", weight=3)
    >>> cf.Connectome.from_networkx(graph)
    Connectome(2 cells, 3 synapses in 1 pairs)
    """
    import pandas as pd

    if not hasattr(graph, "is_multigraph"):
        raise InvalidTypeError(f"graph must be a networkx graph, got {type(graph).__name__}")
    nodes = list(graph.nodes)
    listed_ids = np.empty(len(nodes), dtype=object)
    listed_ids[:] = _node_ids(graph, nodes, cell_id)
    ids = unique_ids(pd.Series(listed_ids, dtype=object), "nodes of graph")
    place = {node: k for k, node in enumerate(nodes)}
    listed = list(graph.edges(data=True))
    pre = np.array([place[a] for a, _, _ in listed], dtype=np.int64)
    post = np.array([place[b] for _, b, _ in listed], dtype=np.int64)
    table = {"pre": ids[pre], "post": ids[post]}
    attributes = [data for _, _, data in listed]
    present = {name for data in attributes for name in data}
    chosen = {
        "psd": _attribute(psd, PSD, present, "psd"),
        "edge_type": _attribute(edge_type, (_TYPE,), present, "edge_type"),
    }
    usual = [name for name in COUNT if name != chosen["psd"]]
    chosen["count"] = _attribute(count, usual, present, "count")
    for column, name in chosen.items():
        if name is not None:
            missing = 1 if column == "count" else None
            table[column] = _column([data.get(name, missing) for data in attributes])
    frame = pd.DataFrame(table)
    if not graph.is_directed():
        back = frame[frame["pre"] != frame["post"]].rename(columns={"pre": "post", "post": "pre"})
        frame = pd.concat([frame, back], ignore_index=True)
    cells = pd.DataFrame([dict(graph.nodes[node]) for node in nodes], index=pd.Index(ids))
    return from_edges(
        cls,
        frame,
        ids,
        cells=cells,
        count="count" if chosen["count"] else None,
        psd="psd" if chosen["psd"] else None,
        edge_type="edge_type" if chosen["edge_type"] else None,
    )


def _node_ids(graph: Any, nodes: list[Any], cell_id: str | None) -> list[Any]:
    if cell_id is None:
        return nodes
    lacking = [node for node in nodes if cell_id not in graph.nodes[node]]
    if lacking:
        raise MissingDataError(
            f"{len(lacking)} of {len(nodes)} nodes have no attribute {cell_id!r} (cell_id), first "
            f"{lacking[0]!r}; it has: {', '.join(map(str, graph.nodes[lacking[0]])) or 'none'}"
        )
    return [graph.nodes[node][cell_id] for node in nodes]


def _attribute(given: str | None, usual: Any, present: set[Any], argument: str) -> str | None:
    if given is None:
        return next((name for name in usual if name in present), None)
    if given not in present:
        raise MissingDataError(
            f"no edge has the attribute {given!r} ({argument}); there are: "
            f"{', '.join(sorted(map(str, present))) or 'none'}"
        )
    return given


def _column(values: list[Any]) -> Any:
    """Values as they are: integers stay integers beside a missing one."""
    import pandas as pd

    return pd.Series(values, dtype=object).infer_objects()


def from_graphml(
    cls: type[Connectome],
    path: str | Path,
    *,
    count: str | None = None,
    psd: str | None = None,
    edge_type: str | None = None,
    cell_id: str | None = None,
) -> Connectome:
    """Read a GraphML file.

    Parameters
    ----------
    path : path
    count, psd, edge_type
        Edge attributes, as in :meth:`from_networkx`.
    cell_id : str, optional
        Node attribute of the ids. Default the ``id`` of the nodes in the file; where all of them
        are whole numbers they are integers. (igraph writes ``n0``, ``n1``, ... there, and names
        as an attribute.)

    Returns
    -------
    Connectome

    Raises
    ------
    RecordingNotFoundError, FileFormatError
        No such file; not GraphML, or a damaged file.
    ConnectomeError, DuplicateIdError, MissingDataError
        As :meth:`from_networkx`.
    """
    import networkx as nx

    path = Path(path)
    if not path.is_file():
        raise RecordingNotFoundError(f"{path}: no such file")
    try:
        graph = nx.read_graphml(path)
    except (ParseError, nx.NetworkXError, ValueError, KeyError, OSError, EOFError) as error:
        raise FileFormatError(
            f"{path} is no readable GraphML ({type(error).__name__}: {error}); it may be damaged "
            "or incomplete, write or download it again"
        ) from error
    if cell_id is None:
        numbers = {node: _whole(node) for node in graph.nodes}
        if all(number is not None for number in numbers.values()):
            graph = nx.relabel_nodes(graph, numbers)
    return from_networkx(cls, graph, count=count, psd=psd, edge_type=edge_type, cell_id=cell_id)


def _whole(text: Any) -> int | None:
    """The integer that is written exactly like this."""
    try:
        number = int(text)
    except ValueError:
        return None
    return number if str(number) == text else None


def to_networkx(self: Connectome) -> nx.DiGraph[Any]:
    """The connectome as a networkx graph, which :meth:`from_networkx` reads.

    Returns
    -------
    networkx.DiGraph
        Nodes are the ids, with the columns of :attr:`cells` (missing values are left out); edges
        have ``count`` and ``weight``, the number of synapses, and ``psd`` if sizes are known. Where
        edge types are told apart it is a MultiDiGraph with an edge for each type (key and
        ``edge_type``).

    Examples
    --------
    >>> import cofire as cf
    >>> graph = cf.Connectome.from_matrix([[0, 2], [0, 0]]).to_networkx()
    >>> list(graph.edges(data="count"))
    [(0, 1, 2)]
    """
    import networkx as nx

    graph: nx.DiGraph[Any] = nx.MultiDiGraph() if self.types else nx.DiGraph()
    ids = self.ids.tolist()
    rows = (
        self.cells.astype(object).to_dict("records") if len(self.cells.columns) else [{}] * len(ids)
    )
    for cell, row in zip(ids, rows, strict=True):
        graph.add_node(cell, **{str(name): _plain(v) for name, v in row.items() if not _none(v)})
    pre_ids, post_ids = self.row_ids.tolist(), self.column_ids.tolist()
    for each in self.edges:
        rows_at = np.repeat(np.arange(self.shape[0]), np.diff(each.indptr))
        psd: AnyArray | list[None] = [None] * len(rows_at) if each.psd is None else each.psd
        for i, j, n, size in zip(
            rows_at.tolist(), each.indices.tolist(), each.count.tolist(), list(psd), strict=True
        ):
            data: dict[str, Any] = {"count": n, "weight": n}
            if size is not None:
                data["psd"] = float(size)
            if each.edge_type:
                data[_TYPE] = each.edge_type
                graph.add_edge(pre_ids[i], post_ids[j], key=each.edge_type, **data)
            else:
                graph.add_edge(pre_ids[i], post_ids[j], **data)
    return graph


def _none(value: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def to_graphml(self: Connectome, path: str | Path) -> None:
    """Write a GraphML file, which :meth:`from_graphml` and other programs read.

    Parameters
    ----------
    path : path
        Of the file; one that is there is replaced.

    Notes
    -----
    As :meth:`to_networkx`; values that are no text, numbers or truth values are written as text.
    """
    import networkx as nx

    graph = self.to_networkx()
    for _, data in graph.nodes(data=True):
        for name, value in data.items():
            if not isinstance(value, (str, bool, int, float)):
                data[name] = str(value)
    nx.write_graphml(graph, Path(path))
