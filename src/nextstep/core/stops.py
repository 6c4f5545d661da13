"""Why a model stopped: whether its answer is whole, or which failure it is."""

from nextstep.core.records import Answer
from nextstep.errors import UnreadableReply

FINISHED = frozenset({"end_turn", "stop_sequence"})

REASONS = {
    "refusal": ("refusal", "the model refused to answer"),
    "max_tokens": ("max_tokens", "the answer was cut off at max_tokens; raise it in evals.yaml"),
    "model_context_window_exceeded": ("window", "the request and answer did not fit the model's window"),
}


def check_finished(answer: Answer) -> None:
    """Nothing when the model ended its answer itself; otherwise raises UnreadableReply with the reason's kind."""
    if answer.stop_reason in FINISHED:
        if not answer.text.strip():
            raise UnreadableReply("empty", "the model ended its turn without any text")
        return
    kind, message = REASONS.get(
        answer.stop_reason, ("stopped", f"the model stopped for the reason {answer.stop_reason!r}")
    )
    raise UnreadableReply(kind, message)
