"""Scores -> figures with intervals; pure, deterministic, each with its formula and source.

The unit of analysis is the moment, the unit of independence the session: see docs/design/statistics.md.
"""

from nextstep.core.stats.agreement import cohen_kappa, krippendorff_alpha
from nextstep.core.stats.bounds import abbott_bound
from nextstep.core.stats.clusters import (
    Clusters,
    cluster,
    cr0_variance,
    cr1_variance,
    jackknife_variance,
    naive_variance,
)
from nextstep.core.stats.figures import Figure, jackknife_figure, mean_figure, rate_figure, unseen_share
from nextstep.core.stats.guessing import bang_index
from nextstep.core.stats.intervals import normal_quantile, t_quantile, wilson
from nextstep.core.stats.length import length_controlled
from nextstep.core.stats.positions import first_position, flip_rate
from nextstep.core.stats.rates import Estimate, estimate

__all__ = [
    "Clusters",
    "Estimate",
    "Figure",
    "abbott_bound",
    "bang_index",
    "cluster",
    "cohen_kappa",
    "cr0_variance",
    "cr1_variance",
    "estimate",
    "first_position",
    "flip_rate",
    "jackknife_figure",
    "jackknife_variance",
    "krippendorff_alpha",
    "length_controlled",
    "mean_figure",
    "naive_variance",
    "normal_quantile",
    "rate_figure",
    "t_quantile",
    "unseen_share",
    "wilson",
]
