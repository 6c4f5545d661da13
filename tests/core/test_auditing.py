"""Later words in earlier events: what knows the future is a leak, what repeats the past is told and is none."""

import sys
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nextstep.core.auditing import SHOWN, SPAN, Check, Echoes, Finding, shown
from nextstep.core.canary import ALIEN_TIME, first_hidden, origin, plant, plant_bare
from nextstep.core.records import Event, Kind, Moment, MomentSet, Role, Session
from nextstep.core.trajectory import prefix
from tests.builders import events

STEP = "print the batch that holds the first value which is not finite, and its row"
LATER = "now compare the two checkpoints layer by layer and tell me which of them differ after one step"


def session_of(*lines: str, title: str = "") -> Session:
    return Session(name="one", title=title, source="test", sha256="", events=events(*lines))


def moment_at(session: Session, cut: int, **more: str) -> Moment:
    labels = {"why": "because", "resolution": "row 17"} | more
    step = session.events[cut].text
    return Moment(
        session_id="s", session="one", cut=cut, set=MomentSet.DETOUR, human_step=step, recovered_at=cut + 1, **labels
    )


def found(session: Session, cut: int, **labels: str) -> list[Finding]:
    moment = moment_at(session, cut, **labels)
    return list(Echoes(session, [moment]).findings(moment))


def told(findings: list[Finding]) -> list[tuple[bool, str, int | None, int | None]]:
    return [(one.leak, one.source, one.event, one.seen_in) for one in findings]


class TestLeaks:
    @pytest.mark.parametrize(
        "note", [STEP, f"queued: {STEP}", STEP.upper(), STEP.replace(" ", "\n  "), STEP[:-9] + "..."]
    )
    def test_a_note_that_holds_the_humans_coming_words_is_a_leak(self, note: str) -> None:
        session = session_of("h: why", "a: hm", f"n: {note}", "u: ls", "r: b", f"h: {STEP}", "a: ok")
        (finding,) = found(session, 5)
        assert (finding.check, finding.leak, finding.event, finding.seen_in) == (Check.VERBATIM, True, 5, 2)
        assert finding.span.startswith("print the batch that holds the first value")

    def test_a_short_step_is_found_whole_and_no_shorter_one(self) -> None:
        session = session_of(
            "h: why", "n: lower the rate by half now", "a: hm", "h: Lower the rate by half, now!", "a: ok"
        )
        assert told(found(session, 3)) == [(True, "human step", 3, 1)]
        short = session_of("h: why", "n: yes do that", "a: hm", "h: yes do that", "a: ok")
        assert found(short, 3) == []
        assert not Echoes(short, []).looked_for(moment_at(short, 3))

    def test_words_without_spaces_between_them_are_found(self) -> None:
        step = "请打印第一个不是有限值的批次和它的行号然后告诉我结果"
        session = session_of("h: why", f"n: ({step})", "a: hm", f"h: {step}", "a: ok")
        assert told(found(session, 3)) == [(True, "human step", 3, 1)]

    def test_a_tool_result_that_carries_the_humans_answer_is_a_leak(self) -> None:
        session = session_of("h: why", "u: ask", f"r: the user answered: {STEP}", f"h: {STEP}", "a: ok")
        (finding,) = [one for one in found(session, 3) if one.leak]
        assert (finding.event, finding.seen_in) == (3, 2)
        assert "through the tool" in finding.reason

    def test_a_pasted_result_that_the_human_broke_off_is_an_exception(self) -> None:
        session = session_of(
            "h: why", "u: train", f"r: epoch 1 {STEP}", "n: [Request interrupted]", f"h: {STEP}", "a: ok"
        )
        assert [(one.seen_in, one.leak) for one in found(session, 4)] == [(2, False)]

    def test_the_output_of_a_command_that_the_human_ran_may_be_quoted(self) -> None:
        made = session_of("h: ! train", f"n: {STEP}", "a: I see", f"h: {STEP}", "a: ok")
        ran = replace(made.events[0], kind=Kind.COMMAND)
        session = made.model_copy(update={"events": (ran, *made.events[1:])})
        assert [(one.seen_in, one.leak) for one in found(session, 3)] == [(1, False)]
        assert [(one.seen_in, one.leak) for one in found(made, 3)] == [(1, True)]

    def test_an_answer_that_the_assistant_had_offered_is_a_leak_all_the_same_when_a_tool_tells_it(self) -> None:
        session = session_of(
            "h: why", f"u: A: {STEP} B: stop", f"r: User has answered your questions: {STEP}", f"h: {STEP}", "a: ok"
        )
        assert [one.seen_in for one in found(session, 3) if one.leak] == [2]

    def test_a_note_that_holds_a_later_turn_is_a_leak_at_every_moment_between(self) -> None:
        session = session_of(
            "h: why",
            f"n: all turns: {LATER}",
            "a: hm",
            "h: look at b",
            "a: b",
            f"h: {STEP}",
            "a: c",
            f"h: {LATER}",
            "a: d",
        )
        for cut in (3, 5):
            assert told(found(session, cut)) == [(True, "human turn", 7, 1)]
        assert told(found(session, 7)) == [(True, "human step", 7, 1)]

    @pytest.mark.parametrize(("label", "source"), [("why", "moment's why"), ("resolution", "moment's resolution")])
    def test_a_note_that_holds_a_label_is_a_leak_at_its_moment_only(self, label: str, source: str) -> None:
        session = session_of("h: why", f"n: {LATER}", "a: hm", "h: look at b", "a: b", "h: look at c", "a: ok")
        one, two = moment_at(session, 3, **{label: LATER}), moment_at(session, 5)
        echoes = Echoes(session, [one, two])
        assert told(list(echoes.findings(one))) == [(True, source, None, 1)]
        assert list(echoes.findings(two)) == []

    def test_a_note_that_holds_the_title_is_a_leak(self) -> None:
        session = session_of("h: why", f"n: {LATER}", "a: hm", "h: look at b", "a: b", title=LATER)
        assert told(found(session, 3)) == [(True, "session's title", None, 1)]


class TestThePastQuoted:
    @pytest.mark.parametrize(("who", "reason"), [("a", "assistant"), ("u", "assistant"), ("h", "human")])
    def test_a_step_that_repeats_an_earlier_event_is_told_and_no_leak(self, who: str, reason: str) -> None:
        session = session_of("h: why", f"{who}: {STEP}", "a: hm", "r: b", f"h: {STEP}", "a: ok")
        (finding,) = found(session, 4)
        assert told([finding]) == [(False, "human step", 4, 1)]
        assert reason in finding.reason

    def test_a_step_that_quotes_a_tool_before_the_assistant_spoke_again_is_no_leak(self) -> None:
        session = session_of("h: why", "u: cat", f"r: {STEP}", "a: hm", f"h: {STEP}", "a: ok")
        assert told(found(session, 4)) == [(False, "human step", 4, 2)]

    def test_a_note_that_repeats_what_was_said_knows_nothing(self) -> None:
        session = session_of(f"h: {STEP}", "a: hm", f"n: {STEP}", "a: b", f"h: {STEP}", "a: ok")
        assert told(found(session, 4)) == [(False, "human step", 4, 0)]

    def test_a_human_who_quotes_a_note_among_words_of_their_own_is_no_leak(self) -> None:
        note = " ".join(f"error{i}" for i in range(SPAN))
        session = session_of("h: why", f"n: {note}", "a: hm", f"h: what does {note} mean", "a: ok")
        assert told(found(session, 3)) == [(False, "human step", 3, 1)]

    def test_a_label_that_quotes_the_prefix_is_told_and_no_leak(self) -> None:
        session = session_of("h: why", f"a: {LATER}", "h: look at b", "a: b")
        assert told(found(session, 2, why=f"It said {LATER}")) == [(False, "moment's why", None, 1)]

    def test_what_stands_in_the_gap_or_later_is_not_of_the_prefix(self) -> None:
        session = session_of(
            "h: why", "a: hm", f"n: {STEP}", f"h: {STEP}", f"n: {LATER}", "a: ok", f"h: {LATER}", "a: c"
        )
        assert found(session, 3) == []

    def test_rows_of_the_same_word_are_no_quotation(self) -> None:
        zeros = "0 " * 40
        session = session_of("h: why", f"n: {zeros}", "a: hm", f"h: {zeros}", "a: ok")
        assert found(session, 3) == []

    def test_words_across_two_events_are_no_span(self) -> None:
        head, tail = STEP[:30], STEP[30:]
        session = session_of("h: why", f"n: {head}", f"n: {tail}", "a: hm", f"h: {STEP}", "a: ok")
        assert found(session, 4) == []


@given(st.lists(st.sampled_from(STEP.split()), min_size=SPAN, max_size=30), st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=100)
def test_a_queued_step_is_found_whatever_stands_around_it(words: list[str], before: str, after: str) -> None:
    step = " ".join(words)
    session = session_of("h: why", f"n: {before} {step} {after}", "a: hm", f"h: {step}", "a: ok")
    distinct = len(set(words[:SPAN])) >= 5
    assert any(one.leak for one in found(session, 3)) == distinct


def test_spans_are_told_on_one_visible_line_of_bounded_length() -> None:
    text = shown("\x1b[2J\u202ea\n\n b" + "c" * 10_000)
    assert text.startswith("[2Ja b")
    assert text.isprintable()
    assert len(text) <= SHOWN + 3


def test_the_search_grows_with_the_length_and_no_faster() -> None:
    """Counted in calls: ten times the session takes ten times the work, with every turn looked for in every event."""

    def calls(turns: int) -> int:
        lines = [f"{'har'[i % 3]}: {' '.join(f'w{(i * 7 + j) % 997}' for j in range(40))}" for i in range(3 * turns)]
        session = session_of(*lines)
        count = 0

        def note(_frame: FrameType, what: str, _arg: object) -> None:
            nonlocal count
            count += what in ("call", "c_call")

        sys.setprofile(note)
        try:
            Echoes(session, [])
        finally:
            sys.setprofile(None)
        return count

    assert calls(1500) < 12 * calls(150)


made_events = st.lists(
    st.tuples(st.sampled_from(Role), st.sampled_from(Kind), st.sampled_from(["", "words"])), min_size=1, max_size=12
).map(lambda rows: tuple(Event(idx=i, role=r, kind=k, text=text) for i, (r, k, text) in enumerate(rows)))


class TestCanaries:
    @given(made_events, st.integers(0, 14))
    @settings(max_examples=200)
    def test_both_counts_of_where_the_future_begins_agree(self, made: tuple[Event, ...], cut: int) -> None:
        assert first_hidden(made, min(cut, len(made))) == len(prefix(made, min(cut, len(made))))

    def test_everything_from_the_gap_on_and_every_label_is_marked_and_nothing_before(self) -> None:
        session = session_of("h: why", "u: ls", "n: stop", "h: look at b", "u: cat b", "r: b", title="About b")
        moment = moment_at(session, 3)
        planted = plant(session, moment)
        assert planted.session.events[:2] == session.events[:2]
        for old, new in zip(session.events[2:], planted.session.events[2:], strict=True):
            assert (new.idx, new.role, new.kind) == (old.idx, old.role, old.kind)
            assert planted.found(new.text) == [str(old.idx)]
            assert (new.tool is None) == (old.tool is None)
            assert new.at is not None
            assert new.at >= ALIEN_TIME
        labels = planted.moment.model_dump()
        assert labels["cut"] == moment.cut
        assert labels["set"] != moment.set
        marked = {key for key, value in labels.items() if planted.found(str(value))}
        assert marked == {"session_id", "session", "human_step", "why", "resolution", "tags"}
        assert planted.found(planted.session.title) == ["session_title"]

    def test_marks_lead_back_to_what_they_replaced(self) -> None:
        session = session_of("h: why", "u: ls", "h: look at b", "u: cat b", title="About b")
        moment = moment_at(session, 2)
        assert origin(session, moment, "3").text == "cat b"
        assert origin(session, moment, "session_title").text == "About b"
        assert origin(session, moment, "why").what == "moment's why"
        assert origin(session, moment, "session_id").text == "s"

    def test_the_bare_variant_has_the_prefix_and_no_future(self) -> None:
        session = session_of("h: why", "u: ls", "n: stop", "h: look at b", "u: cat b")
        planted = plant_bare(session, moment_at(session, 3))
        assert planted.session.events[:2] == session.events[:2]
        assert [event.idx for event in planted.session.events] == [0, 1, 2]
        assert planted.moment.cut == 2
        assert planted.found(planted.session.events[2].text) == ["3"]
