"""The report page of the study: what was found, figures, published numbers beside ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cofire import plot
from cofire.report import Method, Report, ReportTable, number
from cofire.studies._page import read_provenance, write_table
from cofire.studies.larval_olfaction.config import OlfactionConfig
from cofire.studies.larval_olfaction.experiments import VARIANTS
from cofire.studies.larval_olfaction.figures import make_figures
from cofire.studies.larval_olfaction.labels import METRIC_TITLES
from cofire.studies.larval_olfaction.study import StudyResult

if TYPE_CHECKING:
    import pandas as pd

    from cofire.studies.larval_olfaction.paper import PaperValue

_METHODS = (
    Method("Connectome of the larva", "Winding et al. 2023, Science", "10.1126/science.add9330"),
    Method(
        "Responses of receptors to odors",
        "Kreher, Mathew, Kim & Carlson 2008, Neuron",
        "10.1016/j.neuron.2008.06.010",
    ),
    Method("The study", "Watts & Webb 2026, Cognitive Computational Neuroscience", ""),
    Method(
        "Short-term depression",
        "Tsodyks & Markram 1997, PNAS",
        "10.1073/pnas.94.2.719",
    ),
    Method(
        "Training of spiking networks by surrogate gradients",
        "Neftci, Mostafa & Zenke 2019, IEEE Signal Process Mag",
        "10.1109/MSP.2019.2931595",
    ),
    Method("Adam", "Kingma & Ba 2015, ICLR", "10.48550/arXiv.1412.6980"),
)
_HONEGGER = Method(
    "Sub-additivity of mixtures",
    "Honegger, Campbell & Turner 2011, J Neurosci",
    "10.1523/JNEUROSCI.1099-11.2011",
)
_CARDS = (
    ("accuracy", "accuracy (%)"),
    ("sparsity", "active KCs (%)"),
    ("centroid", "accuracy by KC centroid (%)"),
    ("al", "AL decorrelation (%)"),
    ("mb", "MB decorrelation (%)"),
    ("apl_ratio", "APL ratio"),
)
_SUMMARY = ("accuracy", "sparsity", "centroid", "al", "mb", "total", "apl_ratio", "kc_upper")


def write_page(result: StudyResult, formats: Sequence[str] = ("png", "svg")) -> Path:
    """Write figures, the tables of the page, and the page.

    Parameters
    ----------
    result : StudyResult
    formats : sequence of str
        Of the figure files.

    Returns
    -------
    Path
        Of report.html.
    """
    figures = list(make_figures(result))
    for item in figures:
        plot.save_figure(item.figure, result.out / "figures", item.name, tuple(formats))
    tables = list(make_tables(result))
    for entry in tables:
        write_table(entry, result.out / "tables")
    report = Report(
        title="The olfactory network of the fly larva",
        subtitle="A spiking network with the wiring of one larva's connectome, trained to name "
        "odors",
        finding=finding(result),
        numbers=_numbers(result),
        taken=_taken(result),
        dropped=_dropped(result),
        figures=figures,
        tables=tables,
        methods=[*_METHODS, *([_HONEGGER] if result.mixtures else [])],
        parameters=result.config.to_dict(),
        provenance=read_provenance(result.out),
        formats=tuple(formats),
    )
    return report.write(result.out / "report.html")


def finding(result: StudyResult) -> str:
    """What was found, in one sentence with numbers and uncertainty, and how it compares."""
    evaluations = result.evaluations.get(result.main, {})
    if not evaluations:
        return "No model was evaluated."
    one = next(iter(evaluations.values()))
    n_odors = len(one.odors)
    who = "Spiking networks" if len(evaluations) > 1 else "A spiking network"
    verb = "name" if len(evaluations) > 1 else "names"
    kind = "" if result.main == "canonical" else f" ({VARIANTS[result.main].title})"
    text = (
        f"{who}{kind} with the wiring of the larva {verb} {n_odors} odors with an accuracy of "
        f"{_accuracy(result)}; chance {100 / n_odors:.1f} %), while {_spread(result, 'sparsity')} "
        "% of Kenyon cells answer an odor"
    )
    if result.scores.get(result.main, "mb"):
        text += (
            f". The similarity between odors changes by {_spread(result, 'al', sign=-1)} % in the "
            f"antennal lobe and by {_spread(result, 'mb', sign=-1)} % in the mushroom body"
        )
    return f"{text}.{_ablation_sentence(result)}{_paper_sentence(result)}"


def _accuracy(result: StudyResult) -> str:
    values = result.scores.get(result.main, "accuracy")
    if len(values) > 1:
        return (
            f"{_spread(result, 'accuracy')} % (mean ± SD over {len(values)} networks of different "
            "seeds"
        )
    from scipy.stats import binomtest

    confusion = next(iter(result.evaluations[result.main].values())).confusion
    total = int(confusion.sum())
    interval = binomtest(int(np.trace(confusion)), total).proportion_ci(method="wilson")
    return (
        f"{next(iter(values.values())):.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
        f" (95 % interval over {total:,} samples"
    )


def _spread(result: StudyResult, metric: str, digits: int = 1, sign: int = 1) -> str:
    """Mean ± population SD over models."""
    values = sign * np.array(list(result.scores.get(result.main, metric).values()))
    if not len(values):
        return "n/a"
    mean = f"{values.mean():.{digits}f}".replace("-", "−")
    return mean if len(values) < 2 else f"{mean} ± {values.std():.{digits}f}"


def _ablation_sentence(result: StudyResult) -> str:
    means = {name: _mean(result, name) for name in result.evaluations if VARIANTS[name].posthoc}
    if not means or "canonical" not in result.evaluations:
        return ""
    worst = min(means, key=lambda name: means[name])
    change = f"{means[worst] - _mean(result, 'canonical'):+.1f}".replace("-", "−")
    title = VARIANTS[worst].title.removeprefix("no ").removesuffix(", after training")
    return (
        f" Of what can be taken away after training, {title} matters most: accuracy changes by "
        f"{change} points."
    )


def _mean(result: StudyResult, variant: str) -> float:
    return float(np.mean(list(result.scores.get(variant, "accuracy").values())))


def _paper_sentence(result: StudyResult) -> str:
    within, outside = (result.paper.count(flag) for flag in ("within", "outside"))
    if not within + outside:
        return ""
    return (
        f" {within} of {within + outside} published values that have a tolerance are met within it."
    )


def _numbers(result: StudyResult) -> list[tuple[str, str, str]]:
    published = {
        r.metric: r.published
        for r in result.paper.rows
        if r.variant == result.main and r.seed is None
    }
    cards = []
    for metric, label in _CARDS:
        if not result.scores.get(result.main, metric):
            continue
        digits = 2 if metric == "apl_ratio" else 1
        mean, _, sd = _spread(result, metric, digits).partition(" ± ")
        detail = [f"± {sd} SD"] if sd else []
        if metric in published:
            detail.append(f"published {published[metric]:g}")
        cards.append((mean, label, "; ".join(detail)))
    return cards


def _taken(result: StudyResult) -> list[str]:
    panel, config = result.panel, result.config
    source = "own panel" if config.panel is not None else "Kreher et al. 2008"
    lines = [
        f"Odors: {panel.n_odors}, of which {panel.odors[0]!r} is the baseline; "
        f"{len(panel.receptors)} receptors ({source}).",
    ]
    alike: dict[str, list[str]] = {}
    for name, models in result.students.items():
        how = "trained here" if name in result.histories else "given weights"
        seeds = f"{how}, seed {', '.join(str(seed) for seed in models)}"
        alike.setdefault(seeds, []).append(VARIANTS[name].title)
    lines += [f"Models {seeds}: {'; '.join(titles)}." for seeds, titles in alike.items()]
    lines.append(f"Evaluation: {config.protocol} protocol.")
    changed = OlfactionConfig(seeds=config.seeds, retrained_seeds=config.retrained_seeds)
    if other := config.differences(changed.to_dict()):
        lines.append(f"Other than published: {'; '.join(other)}.")
    return lines


def _dropped(result: StudyResult) -> list[str]:
    left = [f"{task} failed: {message}" for task, message in result.failures]
    if not result.histories:
        left.append("training curves: the weights were given")
    elif result.main in result.histories and len(result.histories[result.main]) < 2:
        left.append("agreement between models: it takes two seeds or more")
    if missing := result.paper.count("missing"):
        left.append(
            f"{missing} published values of experiments that this run does not hold "
            "(tables/paper_values.csv lists them)"
        )
    return left


def make_tables(result: StudyResult) -> Iterator[ReportTable]:
    """Tables of the page, of the results that exist."""
    rows = [r for r in result.paper.rows if r.flag != "missing"]
    note = (
        "Ours: mean and population SD over n models; source: the study (newer) or its predecessor "
        "(older); n = 1 without SD: a number over all models. All values: tables/paper_values.csv."
    )
    if outside := [r for r in rows if r.flag == "outside"]:
        yield ReportTable(
            "paper_outside",
            "Published values that were not met",
            f"Differences beyond the tolerance. {note}",
            _paper_table(outside),
            60,
        )
    own = [r for r in rows if r.variant == "canonical" and r.seed is None]
    if own:
        yield ReportTable(
            "paper_canonical", "Published values, canonical models", note, _paper_table(own), 80
        )
    if others := [r for r in rows if r.variant != "canonical"]:
        yield ReportTable(
            "paper_experiments", "Published values, experiments", note, _paper_table(others), 120
        )
    yield ReportTable(
        "models", "All models", "Mean over models, n of each kind.", _model_table(result)
    )
    if result.consistency is not None:
        yield ReportTable(
            "consistency",
            "Agreement of models",
            "Mean pairwise r between teachers, between students, and of teacher and student.",
            result.consistency.to_frame(),
        )
    if result.learned is not None:
        yield ReportTable(
            "learned_parameters",
            "Learned parameters",
            "Scalars in SI units: before training, mean and population SD over models, bounds.",
            result.learned.to_frame(),
            12,
        )


def _paper_table(rows: Sequence[PaperValue]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "models": [
                VARIANTS[r.variant].title + ("" if r.seed is None else f", seed {r.seed}")
                for r in rows
            ],
            "metric": [METRIC_TITLES.get(r.metric, r.metric) for r in rows],
            "ours": [np.nan if r.ours is None else r.ours for r in rows],
            "SD": ["" if r.sd is None else number(r.sd) for r in rows],
            "n": [r.n for r in rows],
            "published": [r.published for r in rows],
            "source": [r.source for r in rows],
            "tolerance": ["" if r.tolerance is None else f"{r.tolerance:g}" for r in rows],
            "flag": [r.flag.replace("no tolerance", "none stated") for r in rows],
        }
    )


def _model_table(result: StudyResult) -> pd.DataFrame:
    import pandas as pd

    columns = [m for m in _SUMMARY if any(result.scores.get(v, m) for v in result.evaluations)]
    rows = []
    for name, models in result.evaluations.items():
        row: dict[str, object] = {"models": VARIANTS[name].title, "n": len(models)}
        for metric in columns:
            values = list(result.scores.get(name, metric).values())
            row[METRIC_TITLES[metric]] = (
                f"{np.mean(values):.2f} ± {np.std(values):.2f}" if values else ""
            )
        rows.append(row)
    return pd.DataFrame(rows)
