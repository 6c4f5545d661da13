"""Why a model stopped decides whether its answer counts."""

import pytest

from nextstep.core.stops import check_finished
from nextstep.errors import UnreadableReply
from tests.builders import answer


@pytest.mark.parametrize("stop_reason", ["end_turn", "stop_sequence"])
def test_an_answer_that_the_model_ended_is_whole(stop_reason: str) -> None:
    check_finished(answer("x", stop_reason))


@pytest.mark.parametrize(
    ("stop_reason", "kind", "message"),
    [
        ("refusal", "refusal", "refused"),
        ("max_tokens", "max_tokens", "raise it in evals.yaml"),
        ("model_context_window_exceeded", "window", "did not fit"),
        ("pause_turn", "stopped", "'pause_turn'"),
        ("tool_use", "stopped", "'tool_use'"),
        ("", "stopped", "''"),
        ("a reason of next year", "stopped", "'a reason of next year'"),
    ],
)
def test_any_other_stop_is_a_failure_of_its_own_kind_whatever_the_text(
    stop_reason: str, kind: str, message: str
) -> None:
    for text in ("a fine answer", ""):
        with pytest.raises(UnreadableReply, match=message) as caught:
            check_finished(answer(text, stop_reason))
        assert caught.value.kind == kind


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_ended_turn_without_words_is_a_failure(text: str) -> None:
    with pytest.raises(UnreadableReply) as caught:
        check_finished(answer(text))
    assert caught.value.kind == "empty"
