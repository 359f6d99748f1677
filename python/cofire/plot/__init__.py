"""Figures from results and arrays.

Each function takes a result (or plain arrays) and returns ``(fig, axes)``: a
:class:`matplotlib.figure.Figure` made without pyplot, and its axes. The same assembly has the same
color in every figure; axes carry units; titles say n and what a band is.
"""

from __future__ import annotations

from cofire.plot.assemblies import (
    plot_activation_heatmap,
    plot_activation_raster,
    plot_assemblies,
    plot_correlation_matrix,
    plot_members_by_group,
)
from cofire.plot.assemblies_function import (
    plot_correlation_distance,
    plot_example_traces,
    plot_gini,
    plot_ordered_correlations,
    plot_samples,
    plot_scree,
)
from cofire.plot.assemblies_stimuli import (
    plot_clip_confusion,
    plot_oracle_scores,
    plot_trigger_frames,
    plot_tuning,
)
from cofire.plot.assemblies_units import (
    plot_assemblies_in_space,
    plot_intersections,
    plot_spatial,
)
from cofire.plot.detection import plot_eigenvalues, plot_significance_sweep
from cofire.plot.detectors import plot_detectors
from cofire.plot.events import (
    plot_correlogram,
    plot_event_triggered,
    plot_joint_peth,
    plot_peri_event,
    plot_unit_responses,
)
from cofire.plot.kc_assemblies import plot_kc_assemblies
from cofire.plot.network import (
    plot_class_wiring,
    plot_degrees,
    plot_measures_by_class,
    plot_motif_profile,
    plot_null_comparison,
    plot_partition_table,
    plot_rich_club,
)
from cofire.plot.olfaction import (
    plot_concentration,
    plot_confusion,
    plot_kc_heat,
    plot_odor_similarity,
    plot_trial_consistency,
)
from cofire.plot.olfaction_models import (
    plot_ablations,
    plot_gap_conductances,
    plot_mixtures,
    plot_model_agreement,
    plot_threshold_scaling,
    plot_training,
)
from cofire.plot.olfaction_parameters import plot_learned_parameters, plot_thresholds
from cofire.plot.reactivation import (
    plot_cross_comparison,
    plot_explained_variance,
    plot_paired,
    plot_reactivation,
    plot_reactivation_effect,
)
from cofire.plot.recovery import plot_parameter_recovery
from cofire.plot.sgc import (
    plot_affinity,
    plot_assembly_map,
    plot_coactivity,
    plot_k_posterior,
    plot_sgc_patterns,
    plot_similarity_graph,
)
from cofire.plot.structure import plot_cell_groups, plot_connection_shares, plot_raincloud
from cofire.plot.structure_controls import (
    plot_assembly_breakdown,
    plot_connectivity_map,
    plot_distance_dependence,
    plot_tail,
)
from cofire.plot.structure_nulls import (
    plot_coupling_model,
    plot_null_distributions,
    plot_p_values,
    plot_power,
)
from cofire.plot.style import assembly_color, assembly_label, save_figure, t_interval

__all__ = [
    "assembly_color",
    "assembly_label",
    "plot_ablations",
    "plot_activation_heatmap",
    "plot_activation_raster",
    "plot_affinity",
    "plot_assemblies",
    "plot_assemblies_in_space",
    "plot_assembly_breakdown",
    "plot_assembly_map",
    "plot_cell_groups",
    "plot_class_wiring",
    "plot_clip_confusion",
    "plot_coactivity",
    "plot_concentration",
    "plot_confusion",
    "plot_connection_shares",
    "plot_connectivity_map",
    "plot_correlation_distance",
    "plot_correlation_matrix",
    "plot_correlogram",
    "plot_coupling_model",
    "plot_cross_comparison",
    "plot_degrees",
    "plot_detectors",
    "plot_distance_dependence",
    "plot_eigenvalues",
    "plot_event_triggered",
    "plot_example_traces",
    "plot_explained_variance",
    "plot_gap_conductances",
    "plot_gini",
    "plot_intersections",
    "plot_joint_peth",
    "plot_k_posterior",
    "plot_kc_assemblies",
    "plot_kc_heat",
    "plot_learned_parameters",
    "plot_measures_by_class",
    "plot_members_by_group",
    "plot_mixtures",
    "plot_model_agreement",
    "plot_motif_profile",
    "plot_null_comparison",
    "plot_null_distributions",
    "plot_odor_similarity",
    "plot_oracle_scores",
    "plot_ordered_correlations",
    "plot_p_values",
    "plot_paired",
    "plot_parameter_recovery",
    "plot_partition_table",
    "plot_peri_event",
    "plot_power",
    "plot_raincloud",
    "plot_reactivation",
    "plot_reactivation_effect",
    "plot_rich_club",
    "plot_samples",
    "plot_scree",
    "plot_sgc_patterns",
    "plot_significance_sweep",
    "plot_similarity_graph",
    "plot_spatial",
    "plot_tail",
    "plot_threshold_scaling",
    "plot_thresholds",
    "plot_training",
    "plot_trial_consistency",
    "plot_trigger_frames",
    "plot_tuning",
    "plot_unit_responses",
    "save_figure",
    "t_interval",
]
