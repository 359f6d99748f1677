"""Numbers of a run as files: one JSON per experiment, tables, the published values beside ours."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from cofire.studies.larval_olfaction.experiments import EXPERIMENTS, VARIANTS, Experiment
from cofire.studies.larval_olfaction.scores import ACROSS
from cofire.studies.larval_olfaction.study import StudyResult
from cofire.types import save


def write_numbers(result: StudyResult) -> None:
    """Write experiments, tables, results and ``paper_values.json`` into the folder of the run."""
    out = result.out
    for folder in ("experiments", "tables"):
        (out / folder).mkdir(exist_ok=True)
    for experiment in EXPERIMENTS.values():
        content = experiment_numbers(result, experiment)
        if content["variants"]:
            write_json(out / "experiments" / f"{experiment.name}.json", content)
    write_json(out / "paper_values.json", result.paper.to_list())
    result.scores.to_frame().to_csv(out / "tables" / "scores.csv", index=False)
    result.paper.to_frame().to_csv(out / "tables" / "paper_values.csv", index=False)
    (out / "tables" / "paper_values.md").write_text(result.paper.to_markdown(), encoding="utf-8")
    for name in ("comparison", "consistency", "scaling"):
        part = getattr(result, name)
        if part is not None:
            part.to_frame().to_csv(out / "tables" / f"{name}.csv", index=False)
    save(result.stored(), out / "results")


def experiment_numbers(result: StudyResult, experiment: Experiment) -> dict[str, Any]:
    """Every number of an experiment as plain values: per variant and metric, seeds and spread."""
    variants = {}
    for name in experiment.variants:
        summary = result.scores.summary(name)
        if summary:
            variants[name] = {
                "title": VARIANTS[name].title,
                "models": {m: s for m, s in summary.items() if s["seeds"] != [ACROSS]},
                "across_models": {
                    m: s["mean"] for m, s in summary.items() if s["seeds"] == [ACROSS]
                },
            }
    return {
        "experiment": experiment.name,
        "label": experiment.label,
        "title": experiment.title,
        "protocol": result.config.protocol,
        "variants": variants,
    }


def write_json(path: Path, content: Any) -> None:
    """Write plain values; what is not finite becomes null. The file appears complete."""
    partial = path.with_name(f".{path.name}.partial")
    text = json.dumps(_finite(content), indent=2, allow_nan=False)
    partial.write_text(f"{text}\n", encoding="utf-8")
    os.replace(partial, path)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
