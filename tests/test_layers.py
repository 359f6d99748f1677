"""Imports go down the floors of the architecture, and ``import cofire`` stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "cofire"

FLOORS = {
    "cli": 6,
    "batch": 5, "plot": 5, "report": 5, "studies": 5,
    "nn": 4, "structure": 4,
    "assemblies": 3,
    "connectome": 2, "datasets": 2, "events": 2, "graph": 2, "io": 2, "pairwise": 2,
    "simulate": 2, "spikes": 2, "tasks": 2,
    "stats": 1, "types": 1,
    "_core": 0, "_optional": 0, "_threads": 0, "_validate": 0, "errors": 0,
}  # fmt: skip

# Edges between rooms of one floor; anything else on one floor is undeclared.
DECLARED = {
    ("_optional", "errors"),
    ("_threads", "errors"),
    ("_validate", "errors"),
    ("connectome", "graph"),
    ("datasets", "connectome"),
    ("datasets", "io"),
    ("events", "spikes"),
    ("io", "connectome"),
    ("pairwise", "spikes"),
    ("report", "plot"),
    ("stats", "types"),
    ("studies", "plot"),
    ("studies", "report"),
}

CHEAP = {"h5py", "matplotlib", "networkx", "numba", "pandas", "scipy", "sklearn", "torch", "typer"}


def rooms_imported(path: Path) -> set[str]:
    """Names of the rooms that a module imports, wherever in the file it does."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path}: relative imports are not used"
            if node.module == "cofire":
                names = [f"cofire.{alias.name}" for alias in node.names]
            else:
                names = [node.module]
        for name in names:
            assert name != "cofire", f"{path}: import a room, not the whole package"
            if name.startswith("cofire."):
                rooms.add(name.split(".")[1])
    return rooms


def package_edges() -> dict[tuple[str, str], Path]:
    edges = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        assert room in FLOORS, f"{path} is in no room of the architecture"
        for other in rooms_imported(path) - {room}:
            edges[room, other] = path
    return edges


def test_every_room_that_is_imported_exists():
    for (_, other), path in package_edges().items():
        assert other in FLOORS, f"{path} imports cofire.{other}, which is no room"


def test_no_import_goes_up():
    for (room, other), path in package_edges().items():
        assert FLOORS[other] <= FLOORS[room], f"{path}: {room} imports {other} from above"


def test_imports_on_one_floor_are_declared():
    for (room, other), path in package_edges().items():
        if FLOORS[room] == FLOORS[other]:
            assert (room, other) in DECLARED, f"{path}: {room} -> {other} is not declared"


def test_declared_edges_have_no_circle():
    below = {room: {b for a, b in DECLARED if a == room} for room in FLOORS}
    state: dict[str, str] = {}

    def visit(room: str, trail: tuple[str, ...]) -> None:
        assert state.get(room) != "open", f"circle: {' -> '.join((*trail, room))}"
        if state.get(room) == "done":
            return
        state[room] = "open"
        for other in below[room]:
            visit(other, (*trail, room))
        state[room] = "done"

    for room in FLOORS:
        visit(room, ())


def test_an_upward_import_would_be_found(tmp_path):
    module = tmp_path / "spikes.py"
    module.write_text("def f():\n    from cofire.studies import reactivation\n")
    assert rooms_imported(module) == {"studies"}
    assert FLOORS["studies"] > FLOORS["spikes"]


def test_kernels_know_no_python():
    sources = PACKAGE.parents[1] / "cpp"
    for folder in ("include", "src"):
        for path in (sources / folder).rglob("*.?pp"):
            text = path.read_text()
            assert "pybind11" not in text, path
            assert "Python.h" not in text, path


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*{{m.split('.')[0] for m in sys.modules}})"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    return set(out.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import cofire",
        "import cofire; cofire.bin_spikes([[0.1, 0.2]], 0.1, support=[[0.0, 1.0]])",
        "import cofire; cofire.sttc([[0.1, 0.2]], 0.1, support=[[0.0, 1.0]])",
        "import cofire; cofire.event_triggered_average([1.0] * 9, [4.0], (-1, 2), rate=1.0)",
    ],
)
def test_cheap_statements_load_numpy_and_core_only(statement):
    assert not loaded_after(statement) & CHEAP


def test_every_public_name_resolves():
    import cofire

    for name in cofire.__all__:
        assert getattr(cofire, name) is not None
    assert set(cofire.__all__) <= set(dir(cofire))


def test_an_unknown_name_is_an_attribute_error():
    import cofire

    with pytest.raises(AttributeError, match="no attribute 'bin_spike'"):
        cofire.bin_spike  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'reactivations'"):
        cofire.studies.reactivations  # noqa: B018


def test_a_study_is_reached_as_an_attribute():
    import cofire

    assert cofire.studies.reactivation.Reactivation.__name__ == "Reactivation"
