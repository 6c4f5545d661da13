"""Rates without the judge's errors: by measured errors, and by a few human labels."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstep.core.stats import (
    Corrected,
    Measured,
    jackknife_figure,
    mean_figure,
    prediction_powered,
    rogan_gladen,
    tuning,
)
from tests.core.stats.fixtures import ends, known, printed

Labels = list[tuple[int, tuple[float | None, float]]]


class TestRoganGladen:
    @pytest.mark.parametrize(
        ("judged", "sensitivity", "specificity", "value", "interval"),
        [
            ((83 / 129, 129), (0.9, 60), (102 / 127, 127), 0.635086, (0.498363, 0.787532)),
            ((83 / 129, 129), (0.95, 100), (0.85, 100), 0.616764, (0.498368, 0.729215)),
            ((0.4, 1000), (0.9, 200), (0.7, 200), 0.166667, (0.056351, 0.262733)),
        ],
    )
    def test_figures_of_the_statistics_notes(
        self,
        judged: tuple[float, float],
        sensitivity: tuple[float, float],
        specificity: tuple[float, float],
        value: float,
        interval: tuple[float, float],
    ) -> None:
        """The last is the worked example of Lee et al. 2025."""
        found = rogan_gladen(Measured(*judged), Measured(*sensitivity), Measured(*specificity))
        assert found.status == "ok"
        assert found.value == found.unclipped == printed(value)
        assert (found.ci_low, found.ci_high) == (printed(interval[0]), printed(interval[1]))

    def test_the_plain_interval_stands_beside(self) -> None:
        found = rogan_gladen(Measured(83 / 129, 129), Measured(0.9, 60), Measured(102 / 127, 127))
        assert (found.delta_low, found.delta_high) == (printed(0.494347), printed(0.775825))

    def test_a_perfect_judge_is_right(self) -> None:
        found = rogan_gladen(Measured(0.3, 100), Measured(1, 1e9), Measured(1, 1e9))
        assert found.value == pytest.approx(0.3)

    @pytest.mark.parametrize(("rate", "clipped"), [(0.02, 0), (0.98, 1)])
    def test_a_rate_beyond_the_possible_is_clipped_and_shown_as_computed(self, rate: float, clipped: float) -> None:
        found = rogan_gladen(Measured(rate, 200), Measured(0.9, 100), Measured(0.9, 100))
        assert found.value == clipped
        assert not 0 <= known(found.unclipped) <= 1
        assert 0 <= known(found.ci_low) <= clipped <= known(found.ci_high) <= 1

    @pytest.mark.parametrize(
        ("sensitivity", "specificity", "status"),
        [
            (Measured(0.7, 100), Measured(0.59, 100), "weak_judge"),
            (Measured(0.2, 100), Measured(0.2, 100), "weak_judge"),
            (Measured(0.9, 29), Measured(0.9, 100), "few_calibrated"),
            (Measured(0.9, 100), Measured(0.9, 29), "few_calibrated"),
        ],
    )
    def test_a_judge_that_is_hardly_one_or_hardly_measured_is_refused(
        self, sensitivity: Measured, specificity: Measured, status: str
    ) -> None:
        assert rogan_gladen(Measured(0.5, 100), sensitivity, specificity) == Corrected(None, None, None, status)

    def test_the_limits_themselves_are_taken(self) -> None:
        assert rogan_gladen(Measured(0.5, 100), Measured(0.75, 30), Measured(0.75, 30)).status == "ok"

    @given(st.integers(0, 50), st.integers(40, 50), st.integers(40, 50))
    @settings(max_examples=60)
    def test_swapping_model_and_human_mirrors_it(self, won: int, sensitive: int, specific: int) -> None:
        sensitivity, specificity = Measured(sensitive / 50, 50), Measured(specific / 50, 50)
        one = rogan_gladen(Measured(won / 50, 50), sensitivity, specificity)
        other = rogan_gladen(Measured(1 - won / 50, 50), specificity, sensitivity)
        assert known(one.value) == pytest.approx(1 - known(other.value), abs=1e-9)
        assert known(one.ci_low) == pytest.approx(1 - known(other.ci_high), abs=1e-9)


def powered_mean(units: Sequence[tuple[float | None, float]], weight: float) -> float:
    labelled = [human - weight * judge for human, judge in units if human is not None]
    rest = [judge for human, judge in units if human is None]
    return sum(labelled) / len(labelled) + weight * sum(rest) / len(rest)


def is_labelled(units: Sequence[tuple[float | None, float]]) -> bool:
    return any(human is not None for human, _ in units)


class TestPredictionPowered:
    @staticmethod
    def labels(seed: int = 1, sessions: int = 30) -> Labels:
        rng = np.random.default_rng(seed)
        places = np.repeat(np.arange(sessions), rng.integers(1, 5, sessions))
        human = rng.choice([0, 0.5, 1], len(places))
        judge = np.where(rng.random(len(places)) < 0.7, human, 1.0)
        triples = zip(places.tolist(), human.tolist(), judge.tolist(), strict=True)
        return [(g, (y if g % 3 == 0 else None, f)) for g, y, f in triples]

    def test_is_the_formula(self) -> None:
        """Covariance over n and variance over all - 1, as numpy gives them."""
        units = [unit for _, unit in self.labels()]
        y = np.array([human for human, _ in units if human is not None])
        f = np.array([judge for human, judge in units if human is not None])
        rest = np.array([judge for human, judge in units if human is None])
        lam = np.cov(y, f, ddof=0)[0, 1] / ((1 + len(y) / len(rest)) * np.concatenate([f, rest]).var(ddof=1))
        assert 0 < lam < 1
        assert tuning(units) == pytest.approx(lam)
        found = prediction_powered(self.labels())
        assert found.value == pytest.approx(lam * rest.mean() + (y - lam * f).mean())
        assert found.n_sessions == 30

    def test_a_judge_that_says_always_the_same_adds_nothing(self) -> None:
        silent: Labels = [(g, (human, 0.7)) for g, (human, _) in self.labels()]
        humans = [(g, human) for g, (human, _) in silent if human is not None]
        assert known(prediction_powered(silent).value) == pytest.approx(known(mean_figure(humans).value))

    def test_a_judge_that_says_the_contrary_is_not_used(self) -> None:
        assert tuning([(0.0, 1.0), (1.0, 0.0), (0.0, 1.0), (None, 1.0), (None, 0.0)]) == 0

    def test_a_constant_error_of_the_judge_cancels(self) -> None:
        units = self.labels()
        shifted: Labels = [(g, (human, judge + 0.25)) for g, (human, judge) in units]
        assert ends(prediction_powered(shifted)) == pytest.approx(ends(prediction_powered(units)), abs=1e-9)

    def test_the_weight_is_tuned_anew_without_each_session(self) -> None:
        """With one weight for all, the interval is another."""
        units = self.labels()
        fixed = tuning([unit for _, unit in units])
        other = jackknife_figure(units, lambda rows: powered_mean(rows, fixed), low=0, high=1, part=is_labelled)
        found = prediction_powered(units)
        assert other.value == pytest.approx(found.value)
        assert ends(other) != pytest.approx(ends(found), abs=1e-6)

    def test_degrees_of_freedom_are_mostly_those_of_the_labelled_sessions(self) -> None:
        """One of three sessions has labels; with one rule for all the interval is shorter."""
        units = self.labels()
        found, alike = (
            prediction_powered(units),
            jackknife_figure(units, lambda rows: powered_mean(rows, tuning(rows)), low=0, high=1),
        )
        assert found.value == pytest.approx(alike.value)
        assert known(found.ci_low) < known(alike.ci_low)
        assert known(found.ci_high) > known(alike.ci_high)
        assert (found.status, alike.status) == ("few_sessions", "ok")

    def test_without_a_label_there_is_nothing_to_correct_by(self) -> None:
        assert prediction_powered([(g, (None, 0.5)) for g in range(5)]).status == "not_estimable"
        assert prediction_powered([]).status == "empty"

    def test_all_labelled_is_the_humans_mean(self) -> None:
        found = prediction_powered([(g, (g / 8, 1.0 - g / 9)) for g in range(8)])
        assert found.value == pytest.approx(3.5 / 8)
