"""How fast are the measures of nodes and their neighbors: triangles, cores, roles, mixing?

Every implementation gets its own form of the network beforehand: cofire a dense matrix at 312 nodes
and compressed rows beyond, bctpy a dense matrix, networkx and igraph their graphs.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import cofire as cf
from cofire import graph
from peers import compare, optional, scale, within

SHARED = Path(os.environ.get("COFIRE_DATA", Path(__file__).resolve().parents[2] / "shared"))
SIZES = ("312 nodes", "Winding 2023", "20,000 nodes")
EDGES = {"312 nodes": 9638, "20,000 nodes": 500_000}


@lru_cache(maxsize=3)
def network(size):
    """Directed weighted network as compressed rows, without self-loops."""
    if size == "Winding 2023":
        folder = SHARED / "data" / "winding2023"
        if not folder.is_dir():
            pytest.skip(f"no larval connectome at {folder}; set COFIRE_DATA")
        count = cf.io.read_winding2023(folder).count
        n = scale(count.shape[0], 300)
        matrix = sparse.csr_array(count, dtype=np.float64)[:n, :n]
    else:
        n = 312 if size == "312 nodes" else scale(20_000, 1000)
        m = EDGES[size] if n in (312, 20_000) else 25 * n
        rng = np.random.default_rng(5)
        cells = rng.choice(n * n, m, replace=False)
        matrix = sparse.csr_array(
            (rng.integers(1, 20, m).astype(float), (cells // n, cells % n)), shape=(n, n)
        )
    matrix = sparse.csr_array(matrix - sparse.diags_array(matrix.diagonal()))
    matrix.eliminate_zeros()
    return matrix


class Forms:
    """One network as each library takes it."""

    def __init__(self, size, directed, weighted):
        self.csr = network(size)
        if not directed:
            self.csr = sparse.csr_array((self.csr + self.csr.T) / 2)
        if not weighted:
            self.csr = sparse.csr_array((self.csr != 0).astype(np.float64))
        self.directed, self.weighted = directed, weighted
        self.small = self.csr.shape[0] < 1000
        self.dense_peers = self.csr.shape[0] < 5000  # else minutes, or all memory
        self.ours = self.csr.toarray() if self.small else self.csr
        self.group = f"{size}, {self.csr.nnz} {'directed' if directed else 'undirected'} entries"

    def bctpy(self, *, feasible):
        """The module and its matrix, where it can do with this size."""
        if not feasible or not (bct := optional("bct")):
            return None, None
        return bct, self.csr.toarray()

    def networkx(self, *, feasible):
        """The module and its graph, where it can do with this size."""
        if not feasible or not (nx := optional("networkx")):
            return None, None
        kind = nx.DiGraph if self.directed else nx.Graph
        return nx, nx.from_scipy_sparse_array(self.csr, create_using=kind)

    def igraph(self):
        """Its graph, where it is installed."""
        if not (igraph := optional("igraph")):
            return None
        edges = sparse.coo_array(self.csr if self.directed else sparse.triu(self.csr))
        pairs = np.column_stack(edges.coords)
        return igraph.Graph(self.csr.shape[0], pairs, directed=self.directed)


def sparse_products(forms):
    """diag(S S S) by one sparse product."""
    a = forms.csr
    binary = sparse.csr_array((a != 0).astype(np.float64))
    roots = sparse.csr_array(a)
    roots.data = np.cbrt(a.data / a.data.max())
    s = sparse.csr_array(roots + roots.T) if forms.directed else roots
    closed = (s @ s).multiply(s).sum(axis=1)
    if forms.directed:
        k = binary.sum(axis=0) + binary.sum(axis=1)
        possible = 2 * (k * (k - 1) - 2 * binary.multiply(binary.T).sum(axis=1))
    else:
        k = binary.sum(axis=1)
        possible = k * (k - 1)
    return np.divide(closed, possible, out=np.zeros(len(closed)), where=closed > 0)


@pytest.mark.parametrize("form", ["bd", "wd", "bu", "wu"])
@pytest.mark.parametrize("size", SIZES)
def test_clustering(benchmark, size, form):
    weighted, directed = form[0] == "w", form[1] == "d"
    forms = Forms(size, directed, weighted)
    benchmark.group = f"clustering, {'weighted' if weighted else 'binary'}, {forms.group}"
    options = {"directed": directed, "weighted": weighted}
    implementations = {
        "cofire": lambda: graph.clustering(forms.ours, **options, threads=1),
        "cofire, two threads": lambda: graph.clustering(forms.ours, **options, threads=2),
    }
    if forms.dense_peers:  # beyond, S @ S holds 100 million entries
        implementations["scipy.sparse product"] = lambda: sparse_products(forms)
    bct, dense = forms.bctpy(feasible=forms.small or (forms.dense_peers and form != "bu"))
    if bct:
        function = getattr(bct, f"clustering_coef_{form}")
        scaled = dense / dense.max()
        implementations["bctpy"] = lambda: function(scaled)
    # Each triangle takes networkx a microsecond, with weights some more.
    nx, g = forms.networkx(feasible=forms.small or form == "bd")
    if nx:
        weight = "weight" if weighted else None
        implementations["networkx"] = lambda: np.array(
            list(nx.clustering(g, weight=weight).values())
        )
    if form == "bu" and (ig := forms.igraph()):
        implementations["igraph"] = lambda: np.array(ig.transitivity_local_undirected(mode="zero"))
    compare(benchmark, implementations, within(1e-9))


@pytest.mark.parametrize("size", SIZES)
def test_core_number(benchmark, size):
    forms = Forms(size, True, False)
    benchmark.group = f"core number, {forms.group}"
    implementations = {"cofire": lambda: graph.core_number(forms.ours)}
    nx, g = forms.networkx(feasible=True)
    if nx:
        implementations["networkx"] = lambda: np.array(list(nx.core_number(g).values()))
    if ig := forms.igraph():
        implementations["igraph"] = lambda: np.array(ig.coreness(mode="all"))
    compare(benchmark, implementations, within(0))


@pytest.mark.parametrize("size", SIZES)
def test_participation(benchmark, size):
    forms = Forms(size, True, True)
    n = forms.csr.shape[0]
    ci = np.random.default_rng(0).integers(0, 20, n)
    benchmark.group = f"participation, 20 modules, weighted, {forms.group}"

    def one_hot():
        member = sparse.csr_array((np.ones(n), (np.arange(n), ci)), shape=(n, 20))
        per_module = (forms.csr @ member).toarray()
        total = per_module.sum(axis=1)
        squares = (per_module**2).sum(axis=1)
        share = np.divide(squares, total**2, out=np.ones(n), where=total > 0)
        return 1 - share

    implementations = {
        "cofire": lambda: graph.participation(forms.ours, ci, kind="out", weighted=True),
        "scipy.sparse product": one_hot,
    }
    # It multiplies integer matrices: minutes at 3,000 nodes.
    bct, dense = forms.bctpy(feasible=forms.small)
    if bct:
        implementations["bctpy"] = lambda: np.nan_to_num(
            quiet(bct.participation_coef, dense, ci + 1, "out")  # NaN without edges
        )
    compare(benchmark, implementations, within(1e-9))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_rich_club(benchmark, size, weighted):
    """With bctpy, which cuts a matrix out at each of up to thousands of levels."""
    forms = Forms(size, True, weighted)
    levels = 50
    benchmark.group = f"rich club, {'weighted' if weighted else 'binary'}, {forms.group}"

    def levels_by_matrices():
        a = forms.csr
        b = sparse.csr_array((a != 0).astype(np.float64))
        degrees = (b.sum(axis=0) + b.sum(axis=1)).astype(int)
        ranked = np.concatenate([[0.0], np.cumsum(np.sort(a.data)[::-1])])
        result = np.full(levels, np.nan)
        for k in range(1, levels + 1):
            club = np.flatnonzero(degrees >= k if weighted else degrees > k)
            inside = a[club][:, club]
            if weighted and inside.nnz and len(club) < len(degrees):
                result[k - 1] = inside.sum() / ranked[inside.nnz]
            elif not weighted and len(club) > 1:
                result[k - 1] = inside.nnz / (len(club) * (len(club) - 1))
        return result

    implementations = {
        "cofire": lambda: graph.rich_club(forms.ours, weighted=weighted, k_max=levels).R,
        "scipy.sparse, level by level": levels_by_matrices,
    }
    bct, dense = forms.bctpy(feasible=forms.small)
    if bct:
        function = bct.rich_club_wd if weighted else lambda a, k: bct.rich_club_bd(a, k)[0]
        implementations["bctpy"] = lambda: quiet(function, dense, levels)
    compare(benchmark, implementations, within(1e-9))


def quiet(function, *args):
    with np.errstate(all="ignore"):
        return np.asarray(function(*args), dtype=float)


@pytest.mark.parametrize("size", SIZES)
def test_assortativity(benchmark, size):
    forms = Forms(size, True, False)
    benchmark.group = f"assortativity, out to in, {forms.group}"
    bct_form = graph.assortativity(forms.ours, kind="out_in")

    def ours():
        return graph.assortativity(forms.ours, kind="out_in", form="pearson")

    implementations = {"cofire": ours}
    equal = {}
    if ig := forms.igraph():
        implementations["igraph"] = lambda: ig.assortativity_degree(directed=True)
        equal["igraph"] = within(1e-9)
    nx, g = forms.networkx(feasible=True)
    if nx:
        implementations["networkx"] = lambda: nx.degree_pearson_correlation_coefficient(
            g, "out", "in"
        )
        equal["networkx"] = within(1e-9)
    bct, dense = forms.bctpy(feasible=forms.small)
    if bct:
        implementations["bctpy"] = lambda: bct.assortativity_bin(dense, 1)
        equal["bctpy"] = lambda _, theirs: within(1e-9)(bct_form, theirs)
    compare(benchmark, implementations, equal)
