"""A request as the Messages API takes it: the same words, whatever the layout, and marks that it accepts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.caching import PLAIN, Layout
from nextstep.models.cache_minimum import UNKNOWN, least_tokens
from nextstep.models.wire import body_of, model_class, wire_name
from tests.loopback.caching import first_problem, minimum
from tests.loopback.limits import model_class as limited_together
from tests.loopback.models import MODELS
from tests.loopback.prompt import blocks
from tests.models.made_up import request

TEXT = "<trajectory>\n<e1>one\n<e2>two\n<e3>three\n<e4>four"

RETIRED = {"claude-opus-4-1", "claude-3-haiku-20240307"}

layouts = st.builds(
    lambda cuts, chosen, system, hour: Layout(
        tuple(sorted(cuts)), frozenset(sorted(cuts & chosen)[-3:]), system=system, hour=hour
    ),
    st.frozensets(st.integers(1, len(TEXT)), max_size=6),
    st.frozensets(st.integers(1, len(TEXT))),
    st.booleans(),
    st.booleans(),
)


@given(layouts)
def test_a_layout_changes_no_word_of_what_is_asked(layout: Layout) -> None:
    asked = request(TEXT, content=(TEXT, "And then?"))
    body = body_of(asked, layout)
    assert "".join(block.text for block in blocks(body)) == asked.system + "".join(asked.content)
    plain = body_of(asked, PLAIN)
    assert {name: body[name] for name in body.keys() - {"system", "messages"}} == {
        name: plain[name] for name in plain.keys() - {"system", "messages"}
    }


@given(layouts)
def test_every_layout_is_one_that_the_api_accepts(layout: Layout) -> None:
    body = body_of(request(TEXT), layout)
    assert first_problem(body) is None
    assert all(block.text for block in blocks(body))


@given(layouts)
def test_marked_is_what_ends_at_a_mark_and_nothing_else(layout: Layout) -> None:
    system, *parts = blocks(body_of(request(TEXT), layout))
    assert (system.mark is not None) == layout.system
    end, marked = 0, set()
    for part in parts:
        end += len(part.text)
        marked |= {end} if part.mark else set()
    assert marked == layout.marks
    lifetimes = {part.mark.get("ttl") for part in (system, *parts) if part.mark}
    assert lifetimes <= {"1h" if layout.hour else None}


def test_a_plain_request_has_no_marks_and_a_system_prompt_of_one_piece() -> None:
    body = body_of(request("What next?"), PLAIN)
    assert body["system"] == "Be brief."
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "What next?"}]}]
    assert "output_config" not in body


def test_effort_and_the_answers_schema_go_into_the_output_config() -> None:
    body = body_of(request(effort="low", answer_schema={"type": "object"}), PLAIN)
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}}


@pytest.mark.parametrize(
    ("model", "name"),
    [("claude-opus-5-5", "claude-opus-5-5"), ("local/a/b", "a/b"), ("bedrock/anthropic.x", "anthropic.x")],
)
def test_an_endpoints_name_is_taken_off_the_models(model: str, name: str) -> None:
    assert wire_name(model) == name


@pytest.mark.parametrize("model", list(MODELS))
def test_models_share_a_line_exactly_when_their_server_limits_them_together(model: str) -> None:
    for other in MODELS:
        together = limited_together(model) == limited_together(other)
        assert (model_class(model) == model_class(other)) == together, other


@pytest.mark.parametrize("model", sorted(set(MODELS) - RETIRED))
def test_the_shortest_beginning_that_is_kept_is_known_of_every_model(model: str) -> None:
    assert least_tokens(model) == least_tokens(f"local/{model}") == minimum(model)


def test_of_an_unknown_model_a_usual_figure_is_assumed() -> None:
    assert least_tokens("local/qwen") == UNKNOWN
