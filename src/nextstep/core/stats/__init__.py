"""Scores -> figures with intervals; pure, deterministic, each with its formula and source.

The unit of analysis is the moment, the unit of independence the session: see docs/design/statistics.md.
"""

from nextstep.core.stats.agreement import agreement_rate, cohen_kappa, gwet_ac1, krippendorff_alpha
from nextstep.core.stats.bounds import abbott_bound
from nextstep.core.stats.clusters import (
    Clusters,
    cluster,
    cr0_variance,
    cr1_variance,
    jackknife_variance,
    naive_variance,
)
from nextstep.core.stats.components import VarianceSplit, rerun_error, session_correlation, variance_split
from nextstep.core.stats.correction import Corrected, Measured, rogan_gladen
from nextstep.core.stats.distributions import normal_probability, normal_quantile, t_probability, t_quantile
from nextstep.core.stats.equivalence import is_equivalent, moments_for_equivalence
from nextstep.core.stats.figures import Figure, jackknife_figure, mean_figure, rate_figure, unseen_share
from nextstep.core.stats.guessing import bang_index
from nextstep.core.stats.intervals import wilson
from nextstep.core.stats.juries import effective_judges, jury_reliability
from nextstep.core.stats.length import length_controlled
from nextstep.core.stats.margins import MarginTest, non_inferiority
from nextstep.core.stats.paired import Comparison, compare
from nextstep.core.stats.positions import first_position, flip_rate, strict_rate
from nextstep.core.stats.power import (
    detectable_difference,
    pass_probability,
    required_moments,
    required_samples,
    required_variance,
    sampling_noise,
)
from nextstep.core.stats.prediction import prediction_powered, tuning
from nextstep.core.stats.rates import Estimate, estimate
from nextstep.core.stats.signs import holm, mcnemar_p, sign_flip_p
from nextstep.core.stats.trends import ModelTrend, slope_weights, trend_over_models, trend_over_moments

__all__ = [
    "Clusters",
    "Comparison",
    "Corrected",
    "Estimate",
    "Figure",
    "MarginTest",
    "Measured",
    "ModelTrend",
    "VarianceSplit",
    "abbott_bound",
    "agreement_rate",
    "bang_index",
    "cluster",
    "cohen_kappa",
    "compare",
    "cr0_variance",
    "cr1_variance",
    "detectable_difference",
    "effective_judges",
    "estimate",
    "first_position",
    "flip_rate",
    "gwet_ac1",
    "holm",
    "is_equivalent",
    "jackknife_figure",
    "jackknife_variance",
    "jury_reliability",
    "krippendorff_alpha",
    "length_controlled",
    "mcnemar_p",
    "mean_figure",
    "moments_for_equivalence",
    "naive_variance",
    "non_inferiority",
    "normal_probability",
    "normal_quantile",
    "pass_probability",
    "prediction_powered",
    "rate_figure",
    "required_moments",
    "required_samples",
    "required_variance",
    "rerun_error",
    "rogan_gladen",
    "sampling_noise",
    "session_correlation",
    "sign_flip_p",
    "slope_weights",
    "strict_rate",
    "t_probability",
    "t_quantile",
    "trend_over_models",
    "trend_over_moments",
    "tuning",
    "unseen_share",
    "variance_split",
    "wilson",
]
