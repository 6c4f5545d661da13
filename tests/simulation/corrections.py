"""Table 5: corrected rates, bounds, slopes and agreement."""

from functools import partial
from math import sqrt

import numpy as np
from numpy.random import Generator
from scipy.special import betaincinv

from nextstep.core.stats import (
    Measured,
    abbott_bound,
    cluster,
    cohen_kappa,
    jackknife_variance,
    normal_quantile,
    prediction_powered,
    rogan_gladen,
    slope_weights,
    trend_over_moments,
    tuning,
)
from tests.simulation.cells import Band, Cell, Table, covers
from tests.simulation.worlds import (
    MOMENT_CORRELATION,
    TIES,
    Places,
    Reals,
    judged,
    mean_score,
    models,
    moment_rates,
    sessions,
    spread,
    together,
    true_gap,
)

USUAL, POWERED = Band(94, 97), Band(93, 96.5)

SENSITIVITY, SPECIFICITY = (0.9, 60), (0.8, 127)
RELEASES = (0.0, 0.3, 0.45, 0.9, 1.0, 1.4, 1.75, 1.9, 2.3)
THETAS = tuple(0.3 + 0.15 * x for x in RELEASES)
RIGHT_ON, RIGHT_OFF = 0.64, 0.2

Labels = list[tuple[int, tuple[float | None, float]]]


def _measured(rng: Generator, rate: float, cases: int) -> Measured:
    return Measured(rng.binomial(cases, rate) / cases, cases)


def _corrected_covers(rng: Generator, theta: float, count: int, rho: float) -> bool | None:
    """Whether the corrected interval holds the true rate; None where the measured judge is refused."""
    places = sessions(rng, 129, count)
    rates = moment_rates(rng, places, theta, rho) if count < len(places) else np.full(len(places), theta)
    truly = rng.random(len(places)) < rates
    verdicts = rng.random(len(places)) < np.where(truly, SENSITIVITY[0], 1 - SPECIFICITY[0])
    grouped = cluster(together(places, verdicts.astype(float)))
    size = grouped.mean * (1 - grouped.mean) / jackknife_variance(grouped)
    found = rogan_gladen(Measured(grouped.mean, size), _measured(rng, *SENSITIVITY), _measured(rng, *SPECIFICITY))
    if found.ci_low is None or found.ci_high is None:
        return None
    return found.ci_low <= theta <= found.ci_high


def corrected_rates() -> Table:
    """Coverage of the corrected rate."""
    settings = [(0.64, 129, 0.0), (0.2, 129, 0.0), (0.64, 43, 0.1), (0.2, 43, 0.1), (0.64, 43, 0.3), (0.64, 20, 0.1)]
    return Table(
        "Rate without the judge's errors: coverage",
        "Rogan and Gladen with Lang and Reiczigel's interval; sensitivity 0.9 measured on 60, specificity 0.8 on 127.",
        tuple(
            Cell(
                f"corrected, G={g}, rho={rho:g}, theta={theta:g}",
                USUAL,
                partial(_corrected_covers, theta=theta, count=g, rho=rho),
            )
            for theta, g, rho in settings
        ),
    )


def _labelled(rng: Generator, count: int, rho: float) -> Labels:
    """Humans score a third of the sessions; the judge agrees with them on 7 of 10 and is too kind on the others."""
    places = sessions(rng, 129, count)
    human = judged(rng, moment_rates(rng, places, 0.5, rho))
    judge = np.where(rng.random(len(human)) < 0.7, human, judged(rng, np.full(len(human), 0.8)))
    chosen = set(rng.permutation(count)[: round(count / 3)].tolist())
    triples = zip(places.tolist(), human.tolist(), judge.tolist(), strict=True)
    return [(session, (y if session in chosen else None, f)) for session, y, f in triples]


def _powered_covers(rng: Generator, count: int, rho: float) -> bool | None:
    return covers(prediction_powered(_labelled(rng, count, rho)), 0.5)


def _powered_covers_as_if_independent(rng: Generator, count: int, rho: float) -> bool:
    units = [unit for _, unit in _labelled(rng, count, rho)]
    weight = tuning(units)
    gaps = np.array([human - weight * judge for human, judge in units if human is not None])
    rest = weight * np.array([judge for human, judge in units if human is None])
    error = sqrt(gaps.var(ddof=1) / len(gaps) + rest.var(ddof=1) / len(rest))
    return bool(abs(gaps.mean() + rest.mean() - 0.5) <= normal_quantile(0.975) * error)


POWERED_SETTINGS = ((43, 0.3), (43, 0.5), (20, 0.3))


def prediction_power() -> Table:
    """Coverage of prediction-powered means."""
    return Table(
        "Few human labels, many judged scores: coverage",
        "Prediction-powered mean, sessions left out one at a time; humans label a third of the sessions.",
        tuple(
            Cell(f"powered, G={g}, rho={rho:g}", POWERED, partial(_powered_covers, count=g, rho=rho))
            for g, rho in POWERED_SETTINGS
        ),
    )


def independent_power() -> Table:
    """The negative control: prediction-powered means as if moments were independent."""
    return Table(
        "Negative control: prediction-powered means with every moment on its own",
        "It must fail.",
        tuple(
            Cell(
                f"powered as if independent, G={g}, rho={rho:g}",
                Band(0, 88),
                partial(_powered_covers_as_if_independent, count=g, rho=rho),
            )
            for g, rho in POWERED_SETTINGS
        ),
    )


def _two_sets(rng: Generator, places: Places, rho: float) -> tuple[Reals, Reals]:
    """Rates on detours and on controls; a session that is easy for the model on one is so on the other."""
    ease, strength = rng.random(int(places.max()) + 1), (1 - rho) / rho
    of_session = [betaincinv(theta * strength, (1 - theta) * strength, ease) for theta in (RIGHT_ON, RIGHT_OFF)]
    on, off = (spread(rng, rates[places], MOMENT_CORRELATION, len(places)) for rates in of_session)
    return on, off


def _bound_covers(rng: Generator, count: int, rho: float) -> bool | None:
    places = sessions(rng, 256, count)
    is_detour = rng.permutation(len(places)) < 129
    on, off = _two_sets(rng, places, rho)
    scores = judged(rng, np.where(is_detour, on, off))
    detour, control = (together(places[which], scores[which]) for which in (is_detour, ~is_detour))
    q_d, q_c = mean_score(RIGHT_ON), mean_score(RIGHT_OFF)
    return covers(abbott_bound(detour, control), (q_d - q_c) / (1 - q_c))


def _slope_covers(rng: Generator, count: int, samples: int) -> bool | None:
    places = sessions(rng, 129, count)
    scores = np.column_stack(models(rng, places, THETAS, samples))
    found = trend_over_moments(zip(places.tolist(), scores.tolist(), strict=True), RELEASES)
    truth = sum(w * true_gap(theta, 0) for w, theta in zip(slope_weights(RELEASES), THETAS, strict=True))
    return covers(found, truth)


def _kappa_covers(rng: Generator, count: int, rho: float) -> bool | None:
    """Two raters who say yes with a moment's rate: kappa is the correlation of two verdicts at one moment."""
    places = sessions(rng, 129, count)
    rates = moment_rates(rng, places, 0.5, rho)
    ones, others = (rng.random((2, len(places))) < rates).astype(int).tolist()
    pairs = zip(places.tolist(), zip(ones, others, strict=True), strict=True)
    return covers(cohen_kappa(pairs, categories=(0, 1)), rho + MOMENT_CORRELATION * (1 - rho))


def bounds_slopes_agreement() -> Table:
    """Coverage of the lower bound, of a trend and of kappa."""
    bounds = [
        Cell(f"lower bound, G={g}, rho={rho:g}", USUAL, partial(_bound_covers, count=g, rho=rho))
        for g, rho in ((80, 0.1), (43, 0.1), (43, 0.3))
    ]
    slopes = [
        Cell(f"slope over 9 models, G={g}, k={k}", USUAL, partial(_slope_covers, count=g, samples=k))
        for g, k in ((43, 1), (43, 4))
    ]
    kappas = [
        Cell(f"kappa, G={g}, rho={rho:g}", USUAL, partial(_kappa_covers, count=g, rho=rho))
        for g, rho in ((80, 0.1), (43, 0.1), (43, 0.3))
    ]
    return Table(
        "Lower bound, trend, agreement: coverage",
        f"Sessions left out one at a time; {TIES:.0%} ties. Detours and controls share their sessions.",
        (*bounds, *slopes, *kappas),
    )
