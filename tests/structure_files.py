"""Files of a made connectome, as a user would have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

VOXEL = 3.645e-6


def write_files(made: Any, folder: Path) -> dict[str, Path]:
    """Write synapses, cells, assemblies by id, by unit, and the co-registration."""
    wiring = made.connectome
    count, size = wiring.count.tocoo(), wiring.psd.tocoo()
    pd.DataFrame(
        {
            "pre_id": np.repeat(wiring.row_ids[count.row], count.data),
            "post_id": np.repeat(wiring.column_ids[count.col], count.data),
            "size": np.repeat(size.data / count.data, count.data) / VOXEL,
        }
    ).to_csv(folder / "synapses.csv", index=False)
    wiring.cells.to_csv(folder / "cells.csv")
    labels = [";".join(map(str, a)) for a in made.membership.values()]
    ids = list(made.membership)
    pd.DataFrame({"cell_id": ids, "assemblies": labels}).to_csv(
        folder / "assemblies.csv", index=False
    )
    # The same by functional index: 100 units more than cells, in another order.
    order = np.random.default_rng(0).permutation(len(ids) + 100)
    units = order[: len(ids)]
    members = made.members[:, [int(np.flatnonzero(wiring.row_ids == i)[0]) for i in ids]]
    indices = [np.sort(units[row]) for row in members]
    np.savez(
        folder / "units.npz",
        indices=np.concatenate(indices),
        offsets=np.concatenate([[0], np.cumsum([len(i) for i in indices])]),
        n_neurons=len(order),
    )
    pd.DataFrame({"cell_id": ids, "unit": units}).to_csv(folder / "coreg.csv", index=False)
    names = ("synapses", "cells", "assemblies", "coreg")
    return {n: folder / f"{n}.csv" for n in names} | {"units": folder / "units.npz"}
