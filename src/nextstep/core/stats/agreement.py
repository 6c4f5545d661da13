"""Ratings of the same units by several judges -> how far they agree beyond chance."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Literal, TypeVar

from nextstep.core.stats.figures import Figure, jackknife_figure, rate_figure

Rating = str | int | float
Rated = TypeVar("Rated", str, int, float)
Category = str | int
Ratings = tuple[Category, Category]
Weights = Literal["quadratic"] | None
Level = Literal["nominal", "ordinal", "interval"]
Distance = Callable[[Rating, Rating], float]


def cohen_kappa(
    units: Iterable[tuple[Hashable, Ratings]],
    *,
    categories: Sequence[Category],
    weights: Weights = None,
    confidence: float = 0.95,
) -> Figure:
    """Cohen's kappa of two raters over (session, (one rating, the other's)); `categories` in their order.

    1 - sum w_ij observed_ij / sum w_ij expected_ij, w = 1 for any disagreement, or (i - j)^2 with `quadratic` weights.
    `no_variation` if both raters used one and the same category only. A rating outside `categories` is a ValueError.
    Cohen 1960, 1968.
    """
    place = {category: i for i, category in enumerate(categories)}
    placed = [(session, (_place(place, one), _place(place, other))) for session, (one, other) in units]
    return _or_no_variation(
        jackknife_figure(placed, partial(_kappa, weights=weights), low=-1, high=1, confidence=confidence)
    )


def _place(places: dict[Category, int], rating: Category) -> int:
    if rating not in places:
        raise ValueError(f"{rating!r} is none of the categories {list(places)}")
    return places[rating]


def _kappa(pairs: Sequence[tuple[int, int]], *, weights: Weights) -> float | None:
    ones, others = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    observed = sum(_weight(i, j, weights) for i, j in pairs) * len(pairs)
    expected = sum(ones[i] * others[j] * _weight(i, j, weights) for i, j in product(ones, others))
    return 1 - observed / expected if expected else None


def _weight(one: int, other: int, weights: Weights) -> int:
    return int(one != other) if weights is None else (one - other) ** 2


def agreement_rate(units: Iterable[tuple[Hashable, Ratings]], *, confidence: float = 0.95) -> Figure:
    """The share of units that two raters rate the same."""
    return rate_figure(((session, float(one == other)) for session, (one, other) in units), confidence=confidence)


def gwet_ac1(
    units: Iterable[tuple[Hashable, Ratings]], *, categories: Sequence[Category], confidence: float = 0.95
) -> Figure:
    """Gwet's AC1 of two raters: agreement beyond chance that stays stable where one category is rare, unlike kappa.

    (p_a - p_e)/(1 - p_e), p_e = sum_q pi_q (1 - pi_q)/(Q - 1), pi_q the share of category q in both raters' ratings.
    Needs two or more `categories`; a rating outside them is a ValueError. Gwet 2008.
    """
    place = {category: i for i, category in enumerate(categories)}
    placed = [(session, (_place(place, one), _place(place, other))) for session, (one, other) in units]
    statistic = partial(_ac1, categories=len(categories))
    return jackknife_figure(placed, statistic, low=-1, high=1, confidence=confidence)


def _ac1(pairs: Sequence[tuple[int, int]], *, categories: int) -> float:
    shares = [count / (2 * len(pairs)) for count in Counter(rating for pair in pairs for rating in pair).values()]
    chance = sum(share * (1 - share) for share in shares) / (categories - 1)
    return (sum(one == other for one, other in pairs) / len(pairs) - chance) / (1 - chance)


def _or_no_variation(found: Figure) -> Figure:
    """Agreement is undefined only where ratings do not vary: say that."""
    return replace(found, status="no_variation") if found.n and found.value is None else found


def krippendorff_alpha(
    units: Iterable[tuple[Hashable, Sequence[Rated | None]]], *, level: Level, confidence: float = 0.95
) -> Figure:
    """Krippendorff's alpha over (session, ratings of one unit by any raters, None where missing).

    1 - D_observed / D_expected over pairs of ratings within a unit. Units with fewer than two ratings have no pair and
    are not counted in `n`. `ordinal` takes the values' own order, `interval` their differences. `no_variation` if all
    ratings are the same. Krippendorff 2011.
    """
    known = ((session, tuple(r for r in ratings if r is not None)) for session, ratings in units)
    paired = [(session, ratings) for session, ratings in known if len(ratings) > 1]
    return _or_no_variation(jackknife_figure(paired, partial(_alpha, level=level), high=1, confidence=confidence))


def _alpha(units: Sequence[Sequence[Rating]], *, level: Level) -> float | None:
    counts = Counter(rating for ratings in units for rating in ratings)
    distance = _distance(level, counts)
    expected = sum(counts[c] * counts[k] * distance(c, k) for c, k in product(counts, counts))
    if not expected:
        return None
    observed = sum(_within(ratings, distance) / (len(ratings) - 1) for ratings in units)
    return 1 - (counts.total() - 1) * observed / expected


def _within(ratings: Sequence[Rating], distance: Distance) -> float:
    """The distances of all ordered pairs of one unit's ratings."""
    return sum(distance(one, other) for one, other in product(ratings, ratings))


def _distance(level: Level, counts: Counter[Rating]) -> Distance:
    """The squared distance of two ratings; ordinal distances depend on how often each value was given."""
    if level == "nominal":
        return lambda one, other: float(one != other)
    if level == "interval":
        return lambda one, other: (float(one) - float(other)) ** 2
    position: dict[Rating, float] = {}
    below = 0
    for value in sorted(counts):
        position[value] = below + counts[value] / 2
        below += counts[value]
    return lambda one, other: (position[one] - position[other]) ** 2
