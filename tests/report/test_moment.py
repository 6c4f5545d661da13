"""What `show` prints of a moment: whose words the judges read, and who said what of them."""

import pytest

from nextstep.pipeline.results import read_moment
from nextstep.report.moment import moment_text
from nextstep.store.database import insert
from tests.stores import Pair, contest, empty_store, fill, rewrite

PAIR = Pair(session=1, human_words=3)
OWN, FORMED, AGAIN = (contest(judge=f"j-{name}", verdict_prompt_hash=name) for name in ("own", "f", "g"))


def shown(*forms: str) -> str:
    """A moment that one judge read in the human's own words, and one more in each of these forms."""
    with empty_store() as connection:
        for one in (OWN, FORMED, AGAIN):
            if one is OWN or one.verdict_prompt_hash in forms:
                fill(connection, [PAIR], one)
        insert(connection, "rewrites", [rewrite(PAIR, 5, form) for form in forms])
        connection.execute(
            "UPDATE verdicts SET rewrite_id = prompt_hash || '-' || split_part(proposal_id, ':', 3)"
            " WHERE prompt_hash <> 'own'"
        )
        return str(moment_text(read_moment(connection, PAIR.moment_id, before=2, after=2)))


def test_a_step_that_was_judged_in_a_scribes_words_stands_beside_the_humans_own() -> None:
    text = shown("f")
    own, judged = text.index("The human's step\nword word word"), text.index("The human's step as judged, in the words")
    assert own < judged < text.index("would have said")
    assert "The human's step as judged, in the words of scribe-f\nf step" in text
    assert "j-own (the human's own words): win" in text
    assert "j-f: win" in text


def test_several_such_steps_are_numbered_and_each_judgement_says_which_it_is_about() -> None:
    text = shown("f", "g")
    assert "as judged (1), in the words of scribe-f\nf step" in text
    assert "as judged (2), in the words of scribe-g\ng step" in text
    assert "j-f (1): win" in text
    assert "j-g (2): win" in text


def test_where_all_read_the_humans_own_words_nothing_is_said_of_others() -> None:
    text = shown()
    assert "as judged" not in text
    assert "j-own: win" in text


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\u202e"])
def test_a_scribes_words_reach_the_terminal_as_text_alone(hostile: str) -> None:
    with empty_store() as connection:
        fill(connection, [PAIR], FORMED)
        insert(connection, "rewrites", [rewrite(PAIR, 5) | {"scribe": hostile, "text": f"{hostile}[red]step"}])
        connection.execute("UPDATE verdicts SET rewrite_id = 'f-' || split_part(proposal_id, ':', 3)")
        text = str(moment_text(read_moment(connection, PAIR.moment_id, before=2, after=2)))
    assert hostile not in text
    assert "[red]step" in text
