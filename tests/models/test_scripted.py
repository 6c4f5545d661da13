"""The model of the tests themselves."""

import asyncio

import pytest

from nextstep.core.records import Answer, Request
from nextstep.errors import ModelError
from nextstep.models.base import answer_of, reply_body
from nextstep.models.scripted import ScriptedModel
from tests.models.made_up import request


def test_a_script_gives_a_text_an_answer_or_an_error_and_each_request_is_remembered() -> None:
    whole = answer_of(reply_body("Look.", "max_tokens"))
    script: dict[str, str | Answer | Exception] = {"a": "Look.", "b": whole, "c": ModelError("x", "y")}

    def said(asked: Request) -> str | Answer | Exception:
        return script[asked.content[0]]

    model = ScriptedModel(said)
    assert asyncio.run(model.ask(request("a"))).text == "Look."
    assert asyncio.run(model.ask(request("b"))) is whole
    with pytest.raises(ModelError):
        asyncio.run(model.ask(request("c")))
    assert [asked.content for asked in model.requests] == [("a",), ("b",), ("c",)]
    assert asyncio.run(model.look_up("x")) == "x answers from a script"
    asyncio.run(model.aclose())
