"""The tables of the study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from cofire.report import ReportTable

if TYPE_CHECKING:
    import pandas as pd

    from cofire.studies.assemblies_function.workflow import AssembliesFunction


def make_tables(study: AssembliesFunction) -> Iterator[ReportTable]:
    """Tables of the results that exist; those with max_rows 0 are files only."""
    done = study._done
    if "detection" in done:
        yield from _detection(study)
    if "structure" in done:
        yield ReportTable(
            "eigenvalues", "Eigenvalues", "Of the correlation matrix.",
            done["structure"].to_frame().rename_axis("rank").reset_index(), 0,
        )  # fmt: skip
    if "overlap" in done:
        yield from _overlap(done["overlap"])
    if "spatial" in done:
        for name, title in (("assemblies", "Assemblies"), ("random", "Random ensembles")):
            yield ReportTable(
                "spatial" if name == "assemblies" else "spatial_random",
                f"{title} in space",
                "Kolmogorov-Smirnov tests of members against all cells along each axis and in the "
                "plane; not corrected.",
                done["spatial"][name].to_frame().reset_index(),
                40 if name == "assemblies" else 0,
            )
    if "pairs" in done:
        yield ReportTable(
            "pairwise_correlations", "Pairwise correlations", "Pearson r by kind of trace.",
            done["pairs"].to_frame(),
        )  # fmt: skip
    if "sparsity" in done:
        yield ReportTable("gini", "Sparsity", "Gini coefficients.", done["sparsity"].to_frame())
    tests = _tests(done)
    if tests is not None:
        yield ReportTable(
            "tests",
            "Tests",
            "Rank sums; p corrected over the tests of each question (Benjamini-Hochberg).",
            tests,
        )
    yield from _stimuli(done)


def _detection(study: AssembliesFunction) -> Iterator[ReportTable]:
    import pandas as pd

    found, n_units = study.detection(), study.material.n_units
    table = found.to_frame(n_units)
    yield ReportTable(
        "assemblies", "Assemblies", "source: position in the order of the detector, from 0.",
        table.drop(columns="units"),
    )  # fmt: skip
    yield ReportTable("assembly_units", "Assemblies", "Units from 0.", table, 0)
    rows = [(f"A{k + 1}", int(u)) for k, units in enumerate(study.random) for u in units]
    yield ReportTable(
        "random_ensembles", "Random ensembles", "", pd.DataFrame(rows, columns=["of", "unit"]), 0
    )
    if found.comparison is not None:
        yield ReportTable("detectors", "Detectors", "", found.comparison.to_frame().reset_index())
        yield ReportTable(
            "detector_agreement", "Agreement of detectors", "BestMatch.",
            found.comparison.agreement_frame().reset_index(), 0,
        )  # fmt: skip
        yield ReportTable("detector_units", "", "", found.comparison.members_frame(), 0)
    if found.assemblies:
        first, second = study.coactivity
        columns = {f"A{k + 1}": first[:, k] for k in range(first.shape[1])}
        columns |= {f"random{k + 1}": second[:, k] for k in range(second.shape[1])}
        traces = pd.DataFrame(columns)
        if study.material.times is not None:
            traces.insert(0, "time", study.material.times)
        yield ReportTable("coactivity", "Co-activity", "", traces, 0)


def _overlap(found: dict[str, Any]) -> Iterator[ReportTable]:
    for name, suffix in (("assemblies", ""), ("random", "_random")):
        yield ReportTable(
            f"intersections{suffix}",
            "Combinations of assemblies" if not suffix else "Combinations of random ensembles",
            "Cells in exactly these.",
            found[name].to_frame(),
            15 if not suffix else 0,
        )
        yield ReportTable(
            f"membership{suffix}", "Membership", "", found[name].membership_frame().reset_index(), 0
        )


def _tests(done: dict[str, Any]) -> pd.DataFrame | None:
    import pandas as pd

    parts = {
        "pairwise correlation": "pairs",
        "Gini": "sparsity",
        "oracle r, movie": "repeats",
        "oracle r, gratings": "gratings",
    }
    frames = [
        done[step].comparison.to_frame().assign(question=name)
        for name, step in parts.items()
        if step in done
    ]
    if not frames:
        return None
    table: pd.DataFrame = pd.concat(frames, ignore_index=True)
    table.insert(0, "question", table.pop("question"))
    return table


def _stimuli(done: dict[str, Any]) -> Iterator[ReportTable]:
    import pandas as pd

    if "repeats" in done:
        found = done["repeats"]
        yield ReportTable("oracle_scores", "Oracle scores", "By kind of trace.", found.to_frame())
        named = [
            pd.DataFrame({"kind": name, "trace": np.arange(len(s.score)), "score": s.score})
            for name, s in found.scores.items()
        ]
        yield ReportTable("oracle_scores_each", "", "", pd.concat(named, ignore_index=True), 0)
        table = found.scores["assemblies"].to_frame()
        table["trace"] = [f"A{k + 1}" for k in table["trace"]]
        yield ReportTable("oracle_trials", "", "", table, 0)
    if "gratings" in done:
        yield ReportTable(
            "tuning", "Tuning to gratings", "Degrees; selectivities from 0 to 1; oracle score "
            "over the trials, and mean r of the trials that have one.",
            done["gratings"].summary(),
        )  # fmt: skip
        yield ReportTable("tuning_trials", "Gratings", "", done["gratings"].to_frame(), 0)
    if "decoding" in done:
        splits = done["decoding"]
        yield ReportTable(
            "clip_decoding", "Clip decoder", "Test frames.",
            pd.concat([found.to_frame() for found in splits.values()], ignore_index=True),
        )  # fmt: skip
        compared = [
            found.comparison.to_frame().assign(split=split)
            for split, found in splits.items()
            if found.comparison is not None
        ]
        if compared:
            table = pd.concat(compared, ignore_index=True)
            yield ReportTable(
                "clip_tests",
                "Confusion of assemblies against random ensembles",
                "Rank tests of percentages.",
                table[["split", *table.columns[:-1]]],
            )
        for split, found in splits.items():
            yield from _confusions(split, found)
    if "triggers" in done:
        yield ReportTable(
            "trigger_frames", "Trigger frames", "Peaks of co-activity and their movie frames.",
            done["triggers"].to_frame(),
        )  # fmt: skip


def _confusions(split: str, found: Any) -> Iterator[ReportTable]:
    import pandas as pd

    for name, decoder in (("assemblies", found.assemblies), ("random", found.random)):
        labels = [str(c) for c in decoder.classes_]
        table = pd.DataFrame(decoder.confusion_, columns=labels)
        table.insert(0, "true_clip", labels)
        yield ReportTable(f"clip_confusion_{split}_{name}", "", "", table, 0)
