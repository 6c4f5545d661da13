"""Models that compute their answers from the request's text: no key, no network, the same answer every time.

They make the whole pipeline run for the demo, the tests and the trying of a suite. Their figures test the pipeline and
say nothing about any model; everything that shows them says so.

    offline/continue    goes on with what the assistant proposed last
    offline/question    doubts what was last claimed and asks to test it
    offline/stock       takes the stock move of research that fits the trajectory's words best
    offline/lexical     the judge: prefers the step whose words the rest of the session shares more
    offline/scribe      brings the human's steps into the one form, and makes the steps of probes
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from importlib import resources

from nextstep.core.forms import LABELS, in_lines, parts
from nextstep.core.records import Answer, Request
from nextstep.errors import FatalModelError, UsageError
from nextstep.models.base import AS_IT_IS, Sending, answer_of, reply_body

_EVENT = re.compile(r'<event n="(\d+)" from="(\w+)" kind="(\w+)"[^>]*>\n(.*?)\n</event>', re.DOTALL)
_STEP = re.compile(r'<step label="([AB])">\n(.*?)\n</step>', re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_PLAN = re.compile(r"\b(next|then|could|should|would|let's|i'll|option|try|check|want|suggest)\b", re.IGNORECASE)
_CLAIM = re.compile(r"\b(because|so|therefore|means|looks|seems|is|are|was|suggests|points)\b", re.IGNORECASE)
_TASK = re.compile(r"^TASK: (\w+)$", re.MULTILINE)
_GIVEN = re.compile(r"<(?:step|resolution)>\n(.*?)\n</(?:step|resolution)>", re.DOTALL)
_DECISION = re.compile(r'<decision_point n="(\d+)">')


def open_offline(name: str) -> "OfflineModel":
    """The built-in model `offline/NAME`."""
    if name not in MODELS:
        raise UsageError(f"there is no offline/{name}; there are: {', '.join(f'offline/{n}' for n in MODELS)}")
    return OfflineModel(MODELS[name])


class OfflineModel:
    """A function of the request's text behind the model protocol."""

    def __init__(self, compute: Callable[[Request], str]) -> None:
        self.compute = compute

    async def ask(self, request: Request, sending: Sending = AS_IT_IS) -> Answer:
        """The computed answer, in the body of a Messages API reply without usage."""
        if sending.go:
            sending.go()
        started = time.monotonic()
        body = reply_body(self.compute(request))
        return answer_of(body, latency_s=time.monotonic() - started)

    async def look_up(self, name: str) -> str:
        """A word of what it is."""
        return f"{name} runs here; its figures test the pipeline and say nothing about any model"

    async def count_tokens(self, _: Request) -> None:
        """Nothing to count with."""

    async def aclose(self) -> None:
        """Nothing to close."""


def continue_plan(request: Request) -> str:
    """The last sentence of the assistant that sounds like a plan, as the next step."""
    sentences = _assistant_sentences(request)
    plans = [sentence for sentence in sentences if _PLAN.search(sentence) and not sentence.endswith("?")]
    plan = (plans or sentences or ["what you proposed"])[-1]
    why = "it is what the work so far has led to"
    return _step(request, f"go on with this and show me what comes of it: {plan}", why, "what you just proposed")


def question_claim(request: Request) -> str:
    """Doubt the assistant's last claim."""
    sentences = _assistant_sentences(request)
    claims = [sentence for sentence in sentences if _CLAIM.search(sentence)]
    claim = (claims or sentences or ["what we believe so far"])[-1]
    why = "nothing so far has tried to show it wrong"
    return _step(
        request,
        f"i am not sure this holds, test it on the smallest case that could show it wrong: {claim}",
        why,
        "that test",
    )


def stock_move(request: Request) -> str:
    """The stock move whose words rank highest (BM25) for the end of the trajectory."""
    moves = (resources.files(__package__) / "stock_moves.txt").read_text(encoding="utf-8").splitlines()
    recent = " ".join(text for *_, text in _events(request)[-8:])
    scores = _bm25(moves, recent)
    move = moves[max(range(len(moves)), key=lambda i: (scores[i], -i))]
    return _step(request, move, "it is what usually helps with such signs", "the first part of it")


def lexical_verdict(request: Request) -> str:
    """A verdict for the step that ranks higher (BM25) with what came after the decision point.

    Both steps are documents, the later events the query, so that length is discounted. Close scores are a tie.
    """
    text = "".join(request.content)
    steps, decisions = dict(_STEP.findall(text)), _DECISION.findall(text)
    if len(steps) != 2 or not decisions:
        raise FatalModelError("prompt", "offline/lexical reads <step label=...> and <decision_point n=...>: none here")
    decision = int(decisions[-1])
    later = " ".join(text for idx, _, _, text in _events(request) if idx > decision)
    score_a, score_b = _bm25([steps["A"], steps["B"]], later)
    total = score_a + score_b
    lead = (score_a - score_b) / total if total else 0.0
    choice = "tie" if abs(lead) < 0.05 else "A" if lead > 0 else "B"
    verdict = {
        "reasoning": f"Offline: words shared with the rest of the session rank A {score_a:.2f}, B {score_b:.2f}.",
        "choice": choice,
        "strength": "clear" if abs(lead) > 0.3 and choice != "tie" else "slight",
    }
    return json.dumps(verdict)


def scribe(request: Request) -> str:
    """What a scribe is asked for, by rule: the form is filled with the step's own words, and little else is changed."""
    text = "".join(request.content)
    task = _TASK.search(request.system)
    given = _GIVEN.findall(text)
    if not task or not given:
        raise FatalModelError("prompt", "offline/scribe reads a line TASK: and <step> or <resolution>: none here")
    said = given[-1]
    direction = dict(parts(said)).get(LABELS[0], said)
    match task[1]:
        case "reworded":
            return _step(request, f"as a next step, {direction}", "the session points there", "begin with that")
        case "worsened":
            return _step(request, "look once more at what was looked at before", "it may have changed", "read it again")
        case _:
            return _step(request, direction, "what was seen so far points there", "do that")


def guess(_: Request) -> str:
    """No guess: nothing here tells a model's step from a human's."""
    return json.dumps({"reasoning": "Offline: this judge cannot tell.", "guess": "unsure"})


def lexical(request: Request) -> str:
    """What the offline judge is asked for: a verdict, or a guess."""
    task = _TASK.search(request.system)
    return guess(request) if task and task[1] == "guess" else lexical_verdict(request)


MODELS: dict[str, Callable[[Request], str]] = {
    "continue": continue_plan,
    "question": question_claim,
    "stock": stock_move,
    "lexical": lexical,
    "scribe": scribe,
}

CANDIDATES = ("offline/continue", "offline/question", "offline/stock")
JUDGE = "offline/lexical"

DIRECTION_WORDS = 45
"""Of a step's direction at most, so that all of it keeps to its band."""


def _events(request: Request) -> list[tuple[int, str, str, str]]:
    """(idx, role, kind, text) of the trajectory's events."""
    return [(int(idx), role, kind, text) for idx, role, kind, text in _EVENT.findall("".join(request.content))]


def _assistant_sentences(request: Request) -> list[str]:
    texts = [text for _, role, kind, text in _events(request) if (role, kind) == ("assistant", "text")]
    return [part.strip(" -*#`") for part in _SENTENCE.split(texts[-1] if texts else "") if len(part.split()) > 3]


def _step(request: Request, direction: str, why: str, first: str) -> str:
    """A step as a reply in the form that is asked for; in a free one, the direction alone."""
    words = " ".join(direction.split()[:DIRECTION_WORDS])
    lines = in_lines(words, why, first, "the result speaks clearly for it or against it")
    is_formed = all(f"{label}:" in request.system for label in LABELS)
    return f"<next_step>{lines if is_formed else words}</next_step>"


def _bm25(documents: Sequence[str], query: str) -> list[float]:
    """BM25 (Lucene's variant) of every document for the query's distinct words."""
    import bm25s

    tokens = bm25s.tokenize([*documents, query], stopwords="en", return_ids=False, show_progress=False)
    *corpus, words = tokens
    if not words:
        return [0.0] * len(documents)
    ranker = bm25s.BM25(method="lucene")
    ranker.index([tokens_of or ["?"] for tokens_of in corpus], show_progress=False)
    return [float(score) for score in ranker.get_scores(sorted(set(words)))]
