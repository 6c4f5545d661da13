"""Tables 1 and 2: the win rate's interval, and paired differences."""

from functools import partial
from itertools import product

from numpy.random import Generator

from nextstep.core.stats import compare, normal_quantile, rate_figure, wilson
from tests.simulation.cells import Band, Cell, Table, covers
from tests.simulation.worlds import Setting, mean_score, models, sessions, together, true_gap

LARGE, SMALL = ((129, 129), (129, 80), (129, 43)), ((129, 20), (129, 10), (40, 20), (20, 10))
RHOS, RATES = (0.0, 0.1, 0.3), (0.2, 0.5, 0.64)
USUAL, ROUGH = Band(93.5, 96.5), Band(92.5, 98.5)

PAIRED = ((43, 1), (43, 4), (20, 1), (20, 4))
APART = (0.75, 0.55)


def rate_covers(rng: Generator, setting: Setting) -> bool | None:
    """Whether the win rate's interval holds the true one."""
    return covers(rate_figure(setting.draw(rng)), mean_score(setting.theta))


def _covered_as_if_independent(rng: Generator, setting: Setting) -> bool:
    scores = [score for _, score in setting.draw(rng)]
    low, high = wilson(sum(scores) / len(scores), len(scores), normal_quantile(0.975))
    return low <= mean_score(setting.theta) <= high


def win_rates() -> Table:
    """Coverage of the cluster Wilson-t interval."""
    usual = [(Setting(n, g, rho, p), USUAL) for (n, g), rho, p in product(LARGE, RHOS, RATES)]
    several = [(Setting(129, 43, rho, 0.64, 4), USUAL) for rho in RHOS]
    few = [(Setting(n, g, rho, p), ROUGH) for (n, g), rho, p in product(SMALL, RHOS, RATES)]
    extreme = [(Setting(n, g, rho, 0.95), ROUGH) for (n, g), rho in product(LARGE + SMALL, RHOS)]
    return Table(
        "Win rate: coverage of the cluster Wilson-t interval",
        "Share of 95 % intervals that hold the true win rate.",
        tuple(Cell(str(s), band, partial(rate_covers, setting=s)) for s, band in usual + several + few + extreme),
    )


def independent_wilson() -> Table:
    """The negative control: Wilson's interval as if moments were independent."""
    settings = [Setting(129, 20, 0.1, p) for p in RATES]
    return Table(
        "Negative control: Wilson's interval with every moment on its own",
        "It must fail: moments of one session are alike. A simulation in which it passes shows nothing.",
        tuple(
            Cell(f"{s}, as if independent", Band(0, 90), partial(_covered_as_if_independent, setting=s))
            for s in settings
        ),
    )


def _drawn_pairs(
    rng: Generator, count: int, samples: int, thetas: tuple[float, float]
) -> list[tuple[int, tuple[float, float]]]:
    places = sessions(rng, 129, count)
    ours, theirs = (together(places, scores) for scores in models(rng, places, thetas, samples))
    return [(session, (a, b)) for (session, a), (_, b) in zip(ours, theirs, strict=True)]


def _gap_covered(rng: Generator, count: int, samples: int) -> bool | None:
    return covers(compare(_drawn_pairs(rng, count, samples, APART)).difference, true_gap(*APART))


def _false_alarm(rng: Generator, count: int, samples: int) -> bool:
    p_value = compare(_drawn_pairs(rng, count, samples, (0.6, 0.6))).p_value
    return p_value is not None and p_value <= 0.05


def paired_differences() -> Table:
    """Coverage of a paired difference."""
    return Table(
        "Paired difference: coverage",
        "129 moments; the models' gap differs from session to session.",
        tuple(Cell(f"difference, G={g}, k={k}", USUAL, partial(_gap_covered, count=g, samples=k)) for g, k in PAIRED),
    )


def sign_flips() -> Table:
    """False alarms of the sign flip."""
    return Table(
        "Session sign flip: false alarms at 5 %",
        "Two models of the same rate whose gap differs from session to session.",
        tuple(
            Cell(f"sign flip, G={g}, k={k}", Band(0, 6), partial(_false_alarm, count=g, samples=k)) for g, k in PAIRED
        ),
    )
