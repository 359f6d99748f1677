"""The olfactory network of the fly larva: trained, evaluated, and every published experiment."""

from __future__ import annotations

from cofire._optional import import_extra

import_extra("torch", "torch", "cofire.studies.larval_olfaction")

from cofire.studies.larval_olfaction.checkpoint import (  # noqa: E402
    find_weights,
    read_checkpoint,
    read_parameters,
)
from cofire.studies.larval_olfaction.comparison import compare_models  # noqa: E402
from cofire.studies.larval_olfaction.conditions import CONDITIONS, Condition  # noqa: E402
from cofire.studies.larval_olfaction.config import OlfactionConfig  # noqa: E402
from cofire.studies.larval_olfaction.data import (  # noqa: E402
    OdorPanel,
    at_concentration,
    draw_odors,
    load_panel,
    mix,
    noisy_inputs,
    read_panel,
)
from cofire.studies.larval_olfaction.evaluation import (  # noqa: E402
    Trials,
    evaluate_model,
    run_trials,
)
from cofire.studies.larval_olfaction.experiments import (  # noqa: E402
    EXPERIMENTS,
    VARIANTS,
    Experiment,
    Variant,
)
from cofire.studies.larval_olfaction.kc_assemblies import (  # noqa: E402
    KCAssemblies,
    WiringTest,
    compare_wiring,
    find_kc_assemblies,
    kc_spikes,
)
from cofire.studies.larval_olfaction.learned import (  # noqa: E402
    LearnedParameters,
    learned_parameters,
)
from cofire.studies.larval_olfaction.mixtures import mixture_coding  # noqa: E402
from cofire.studies.larval_olfaction.page import finding, write_page  # noqa: E402
from cofire.studies.larval_olfaction.paper import (  # noqa: E402
    PaperComparison,
    PaperValue,
    Published,
    compare_with_paper,
    published_values,
)
from cofire.studies.larval_olfaction.recovery import (  # noqa: E402
    ParameterRecovery,
    recover_olfactory_parameters,
    recover_parameters,
)
from cofire.studies.larval_olfaction.results import (  # noqa: E402
    AplSuppression,
    ConcentrationSeries,
    Consistency,
    Decorrelation,
    Evaluation,
    MixtureCoding,
    ModelComparison,
    ThresholdScaling,
    TrainingHistory,
)
from cofire.studies.larval_olfaction.run import (  # noqa: E402
    RunOptions,
    ablate,
    complexity,
    consistency,
    evaluate,
    mixtures,
    run,
    run_all,
    train,
)
from cofire.studies.larval_olfaction.scores import ScoreTable  # noqa: E402
from cofire.studies.larval_olfaction.setup import Material, Setup  # noqa: E402
from cofire.studies.larval_olfaction.study import StudyResult, collect  # noqa: E402
from cofire.studies.larval_olfaction.tasks import Job, Task  # noqa: E402
from cofire.studies.larval_olfaction.teacher import Teacher, teacher_loss  # noqa: E402
from cofire.studies.larval_olfaction.training import (  # noqa: E402
    TrainedModel,
    load_model,
    train_model,
    transfer,
)
from cofire.studies.larval_olfaction.wiring import shuffled_counts  # noqa: E402

__all__ = [
    "CONDITIONS",
    "EXPERIMENTS",
    "VARIANTS",
    "AplSuppression",
    "ConcentrationSeries",
    "Condition",
    "Consistency",
    "Decorrelation",
    "Evaluation",
    "Experiment",
    "Job",
    "LearnedParameters",
    "KCAssemblies",
    "Material",
    "MixtureCoding",
    "ModelComparison",
    "OdorPanel",
    "OlfactionConfig",
    "PaperComparison",
    "PaperValue",
    "ParameterRecovery",
    "Published",
    "RunOptions",
    "ScoreTable",
    "Setup",
    "StudyResult",
    "Task",
    "Teacher",
    "ThresholdScaling",
    "TrainedModel",
    "TrainingHistory",
    "Trials",
    "Variant",
    "WiringTest",
    "ablate",
    "at_concentration",
    "collect",
    "compare_models",
    "compare_wiring",
    "compare_with_paper",
    "complexity",
    "consistency",
    "draw_odors",
    "evaluate",
    "evaluate_model",
    "find_kc_assemblies",
    "find_weights",
    "finding",
    "learned_parameters",
    "kc_spikes",
    "load_model",
    "load_panel",
    "mix",
    "mixture_coding",
    "mixtures",
    "noisy_inputs",
    "published_values",
    "read_checkpoint",
    "read_panel",
    "read_parameters",
    "recover_olfactory_parameters",
    "recover_parameters",
    "run",
    "run_all",
    "run_trials",
    "shuffled_counts",
    "teacher_loss",
    "train",
    "train_model",
    "transfer",
    "write_page",
]
