"""A model's maker is read off its name, wherever the model runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstep.core.families import MAKERS, family, same_family

NAMES = {
    "claude-opus-5-5": "anthropic",
    "claude-haiku-4-5-20251001": "anthropic",
    "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0": "anthropic",
    "vertex/claude-opus-4-1@20250805": "anthropic",
    "proxy/anthropic/claude-opus-5": "anthropic",
    "gpt-5.6": "openai",
    "proxy/gpt-4o-2024-08-06": "openai",
    "local/gpt-oss-120b": "openai",
    "o1": "openai",
    "proxy/o3-mini": "openai",
    "gemini-3-pro": "google",
    "local/gemma-3-27b-it": "google",
    "local/meta-llama/Llama-3.3-70B-Instruct": "meta",
    "local/codellama-34b": "meta",
    "local/Qwen2.5-72B": "alibaba",
    "local/mixtral-8x7b": "mistral",
    "local/mistralai/Mistral-Nemo": "mistral",
    "local/deepseek-r1-distill-qwen-7b": "deepseek",
    "grok-4": "xai",
    "offline/continue": "offline",
    "offline/lexical": "offline",
    "local/glm-4.6": "zhipu",
    "local/command-r-plus": "cohere",
}


@pytest.mark.parametrize(("model", "maker"), NAMES.items())
def test_a_known_name_tells_its_maker(model: str, maker: str) -> None:
    assert family(model) == maker


@pytest.mark.parametrize("model", ["cand", "local/my-model", "claude/my-model", "local/foo1", "gpt4all-j", "x/yo1-b"])
def test_a_name_that_tells_no_maker_has_none(model: str) -> None:
    assert family(model) is None


@given(st.sampled_from(sorted(NAMES)), st.sampled_from(["local/", "bedrock/", "gpt/", "a.b/"]))
def test_where_a_model_runs_changes_nothing(model: str, place: str) -> None:
    bare = model.partition("/")[2] if "/" in model else model
    if not model.startswith("offline/"):
        assert family(place + bare) == family(model)


@given(st.sampled_from(sorted(NAMES)), st.sampled_from(sorted(NAMES)))
def test_sharing_a_family_is_mutual_and_means_the_same_maker(one: str, other: str) -> None:
    assert same_family(one, other) == same_family(other, one) == (NAMES[one] == NAMES[other])


@given(st.text(alphabet="abcxyz-/", max_size=12))
def test_unknown_models_are_of_no_common_family(model: str) -> None:
    if family(model) is None:
        assert not same_family(model, model)
    else:
        assert family(model) in {*MAKERS, "offline"}
