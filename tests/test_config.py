"""evals.yaml: every problem at once, each with its line, and never a traceback."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from nextstep.cli.settings import set_up
from nextstep.config import (
    CandidateSettings,
    Control,
    Endpoint,
    EvalConfig,
    Gate,
    JudgeSettings,
    Judging,
    Limits,
    ModelSettings,
    ScribeSettings,
    load_config,
    parse_config,
)
from nextstep.core.records import MomentSet
from nextstep.errors import ConfigError

FULL = """\
suite: mine/
store: s.duckdb
prompts: p/
candidates:
  - claude-opus-5-5
  - {model: claude-haiku-5-5, samples: 4, max_tokens: 1024, effort: low, name: haiku}
judges: [claude-opus-5-5]
judging: {orders: both, hide_decision: false, scribe: {model: claude-haiku-5-5, effort: low}}
control: {band: [0.1, 0.3]}
gate: {margin: 0.05, alpha: 0.025, sets: [detour, control]}
limits: {max_connections: 64, max_cost_usd: 50, ask_above_usd: 0, timeout_s: 60.5, attempts: 3}
endpoints:
  local: {base_url: "http://127.0.0.1:8080/", api_key_env: LOCAL_KEY}
"""


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    return caught.value.problems


def problem(text: str) -> str:
    (only,) = problems(text)
    return only


class TestGoodFiles:
    def test_everything_that_can_be_said_is_read(self) -> None:
        config = parse_config(FULL)
        assert (config.suite, config.store, config.prompts) == ("mine/", "s.duckdb", "p/")
        assert config.candidates == (
            CandidateSettings(model="claude-opus-5-5"),
            CandidateSettings(model="claude-haiku-5-5", samples=4, max_tokens=1024, effort="low", name="haiku"),
        )
        assert config.judges == (JudgeSettings(model="claude-opus-5-5"),)
        scribe = ScribeSettings(model="claude-haiku-5-5", effort="low")
        assert config.judging == Judging(hide_decision=False, scribe=scribe)
        assert config.control.band == (0.1, 0.3)
        assert config.gate == Gate(margin=0.05, alpha=0.025, sets=(MomentSet.DETOUR, MomentSet.CONTROL))
        assert config.limits == Limits(max_connections=64, max_cost_usd=50, ask_above_usd=0, timeout_s=60.5, attempts=3)
        assert config.endpoints == {"local": Endpoint(base_url="http://127.0.0.1:8080", api_key_env="LOCAL_KEY")}

    def test_a_config_written_out_reads_back_the_same(self) -> None:
        config = parse_config(FULL)
        assert parse_config(yaml.safe_dump(config.model_dump(mode="json"))) == config

    @pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n", "---\n", "{}", "\ufeff"])
    def test_a_file_that_says_nothing_means_the_defaults(self, text: str) -> None:
        assert parse_config(text) == EvalConfig()

    def test_the_defaults_are_those_of_the_documentation(self) -> None:
        config = EvalConfig()
        assert (config.suite, config.store, config.prompts) == ("transcripts/", "nextstep.duckdb", "prompts/")
        assert (config.judging.hide_decision, config.judging.same_form, config.judging.scribe) == (True, True, None)
        assert config.control.band == (0.05, 0.35)
        assert (config.gate.margin, config.gate.alpha, config.gate.sets) == (0.1, 0.05, (MomentSet.DETOUR,))
        assert config.limits.ask_above_usd == 1
        assert CandidateSettings(model="m").samples == 1

    def test_anchors_aliases_and_merge_keys_mean_what_yaml_says(self) -> None:
        text = "candidates:\n- &base {model: a, samples: 3}\n- {<<: *base, model: b}\njudges:\n- &j {model: c}\n"
        config = parse_config(text)
        assert [(c.model, c.samples) for c in config.candidates] == [("a", 3), ("b", 3)]
        assert parse_config(text.replace("&j {model: c}", "&j c") + "suite: *j\n").suite == "c"

    def test_paths_stay_as_they_were_written(self) -> None:
        assert (
            parse_config("suite: ../x/\nstore: /a/b.duckdb\nprompts: ./p").model_dump()
            == EvalConfig(suite="../x/", store="/a/b.duckdb", prompts="./p").model_dump()
        )

    def test_relative_paths_are_relative_to_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "project" / "evals.yaml"
        path.parent.mkdir()
        path.write_text(f"suite: ../x\nstore: {tmp_path / 's.duckdb'}\nprompts: p\n")
        setup = set_up(path)
        assert setup.suite == path.parent / "../x"
        assert setup.store == tmp_path / "s.duckdb"
        assert setup.prompts == path.parent / "p"

    def test_labels_and_samples_do_not_shape_an_answer(self) -> None:
        plain = CandidateSettings(model="m")
        assert plain.parameters() == CandidateSettings(model="m", name="n", samples=5).parameters()
        for other in ({"max_tokens": 5}, {"effort": "low"}, {"max_input_tokens": 3000}, {"model": "n"}):
            assert CandidateSettings.model_validate({"model": "m"} | other).parameters() != plain.parameters()

    def test_a_model_is_called_by_its_name_where_it_has_one(self) -> None:
        assert CandidateSettings(model="m").label == "m"
        assert CandidateSettings(model="m", name="n").label == "n"


class TestProblems:
    def test_all_are_told_at_once_in_order_of_their_lines(self) -> None:
        text = (
            "suit: x\n"
            "candidates:\n"
            "- {model: a, sampels: 3}\n"
            "- model: b\n"
            "  max_tokens: 0\n"
            "  effort: huge\n"
            "limits:\n"
            "  max_connections: many\n"
            "store: a\n"
            "store: b\n"
            "endpoints:\n"
            "  local:\n"
            "    url: http://h\n"
        )
        told = problems(text)
        assert [line.split(": ")[0] for line in told] == [f"evals.yaml:{n}" for n in (1, 3, 5, 6, 8, 10, 12, 13)]
        for line, part in zip(
            told,
            [
                "unknown key `suit`; did you mean `suite`?",
                "unknown key `candidates.0.sampels`; did you mean `samples`?",
                "`candidates.1.max_tokens`: Input should be greater than 0 (got 0)",
                "`candidates.1.effort`: Input should be 'low'",
                "`limits.max_connections`: Input should be a valid integer",
                "`store` stands twice; the first is on line 9",
                "`endpoints.local.base_url`: Field required",
                "unknown key `endpoints.local.url`; did you mean `base_url`?",
            ],
            strict=True,
        ):
            assert part in line

    def test_the_message_has_a_heading_and_every_problem(self) -> None:
        with pytest.raises(ConfigError) as caught:
            parse_config("a: 1\nb: 2", "my.yaml")
        assert str(caught.value).splitlines()[0] == "the config cannot be used:"
        assert [line[:12] for line in str(caught.value).splitlines()[1:]] == ["  my.yaml:1:", "  my.yaml:2:"]
        assert caught.value.exit_code == 2

    @pytest.mark.parametrize(
        ("template", "model"),
        [
            ("{}: 1", EvalConfig),
            ("judging: {{{}: 1}}", Judging),
            ("judging: {{scribe: {{model: m, {}: 1}}}}", ScribeSettings),
            ("control: {{{}: 1}}", Control),
            ("gate: {{{}: 1}}", Gate),
            ("limits: {{{}: 1}}", Limits),
            ("endpoints: {{e: {{base_url: 'http://h', {}: 1}}}}", Endpoint),
            ("candidates: [{{model: m, {}: 1}}]", CandidateSettings),
            ("judges: [{{model: m, {}: 1}}]", JudgeSettings),
        ],
    )
    def test_the_nearest_known_key_is_named_in_every_section(self, template: str, model: type[BaseModel]) -> None:
        for key in model.model_fields:
            typo = key[0] + key
            assert f"`; did you mean `{key}`?" in problem(template.format(typo))
        assert problem(template.format("zzz")).endswith(f"; known here: {', '.join(model.model_fields)}")

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("a: 1\nsuite: x\n\n\nsuite: y", 5),
            ("limits:\n  attempts: 2\n  attempts: 2", 3),
            ("candidates:\n- model: a\n  model: b", 3),
            ("endpoints:\n  e: {base_url: 'http://h'}\n  e: {base_url: 'http://i'}", 3),
        ],
    )
    def test_a_key_that_stands_twice_is_told_on_its_second_line(self, text: str, line: int) -> None:
        (told,) = [told for told in problems(text) if "stands twice" in told]
        assert told.startswith(f"evals.yaml:{line}: ")

    def test_a_scribe_may_be_a_name_alone(self) -> None:
        assert parse_config("judging: {scribe: m}").judging.scribe == ScribeSettings(model="m")

    def test_two_models_of_one_name_are_told_apart_by_the_user(self) -> None:
        told = problem("suite: a\ncandidates: [m, {model: m, effort: low}]")
        assert told.startswith("evals.yaml:2: `candidates`: 'm' stands 2 times; give each a `name` of its own")
        assert len(parse_config("candidates: [m, {model: m, effort: low, name: low}]\njudges: [m]").candidates) == 2

    @pytest.mark.parametrize("section", ["candidates", "judges", "judging", "control", "gate", "limits", "suite"])
    def test_a_section_without_a_value_is_told_what_to_do(self, section: str) -> None:
        assert problem(f"\n{section}:") == f"evals.yaml:2: `{section}` has no value; give it one or leave the key out"

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("limits: [1]", "`limits`: must be a mapping of keys to values (got [1])"),
            ("endpoints: x", "`endpoints`: must be a mapping of keys to values (got 'x')"),
            ("candidates: m", "`candidates`: must be a list (got 'm')"),
            ("judges: {model: m}", "`judges`: must be a list (got {'model': 'm'})"),
            ("judges: [3]", "`judges.0`: must be a mapping of keys to values (got 3)"),
            ("1: x", "`1`: Keys should be strings (got 1)"),
            ("null: x", "`None`: Keys should be strings (got None)"),
            ("- suite: x", "must be a mapping of keys to values, such as `suite: transcripts/`"),
            ("suite", "must be a mapping of keys to values, such as `suite: transcripts/`"),
        ],
    )
    def test_the_wrong_shape_is_told_in_the_words_of_the_file(self, text: str, complaint: str) -> None:
        assert problem(text) == f"evals.yaml:1: {complaint}"

    @pytest.mark.parametrize(
        ("template", "good", "bad"),
        [
            ("candidates: [{{model: m, samples: {}}}]", [1, 100], [0, -1, 101, 1.5, "x", "2001-01-01"]),
            ("judges: [{{model: m, max_tokens: {}}}]", [1, 128_000], [0, 128_001, ".inf"]),
            ("judges: [{{model: m, max_input_tokens: {}}}]", [2000, 10**8], [1999, 10**8 + 1, 10**400]),
            ("judges: [{{model: m, effort: {}}}]", ["low", "max", "xhigh", "null"], ["lower", "1", "''"]),
            ("judges: [{{model: {}}}]", ["a", "x/y:z-1"], ["''", "' '", "a b", '"a\\tb"', "[a]", "3"]),
            ("limits: {{max_connections: {}}}", [1, 1000], [0, 1001, 10**400, "null"]),
            ("limits: {{max_cost_usd: {}}}", [0.01, 10**6, "null"], [0, -1, ".inf", ".nan"]),
            ("limits: {{ask_above_usd: {}}}", [0, 0.5], [-0.1, ".inf", ".nan", "null"]),
            ("limits: {{timeout_s: {}}}", [0.1, 1], [0, -1, ".inf", ".nan"]),
            ("limits: {{attempts: {}}}", [1, 20], [0, 21]),
            ("judging: {{orders: {}}}", ["both"], ["one", "[both]"]),
            ("judging: {{hide_decision: {}}}", ["true", "no"], ["maybe", "3"]),
            ("judging: {{same_form: {}}}", ["true", "off"], ["maybe", "3", "null"]),
            ("judging: {{scribe: {}}}", ["m", "{model: m}", "null"], ["''", "a b", "3", "[m]", "{}"]),
            ("gate: {{margin: {}}}", [0.01, 0.99], [0, 1, -0.1, 10, ".nan", "null"]),
            ("gate: {{alpha: {}}}", [0.001, 0.49], [0, 0.5, -0.1, ".inf"]),
            ("gate: {{sets: {}}}", ["[detour]", "[control, detour]"], ["[]", "[detour, detour]", "[both]", "detour"]),
            ("control: {{band: {}}}", ["[0, 1]", "[0.05, 0.35]"], ["[0.3, 0.1]", "[0, 0]", "[-1, 1]", "[0]", "0.3"]),
            (
                "endpoints: {{e: {{base_url: '{}'}}}}",
                ["http://h", "https://h:1/a/b/", "http://[::1]:8080", "http://h/v1x"],
                [
                    "h",
                    "ftp://h",
                    "http://",
                    "http://u:p@h",
                    "http://h/v1",
                    "http://h/v1/",
                    "http://h /",
                    "",
                    "http://h/a@b",
                ],
            ),
            (
                "endpoints: {{{}: {{base_url: 'http://h'}}}}",
                ["e", "'1'", "Offline"],
                ["offline", "bedrock", "vertex", "a/b", "''", "1", "null"],
            ),
        ],
    )
    def test_values_are_held_to_their_range(self, template: str, good: list[object], bad: list[object]) -> None:
        for value in good:
            parse_config(template.format(value))
        for value in bad:
            assert problem(template.format(value)).startswith("evals.yaml:1: `")

    def test_a_base_url_is_kept_without_its_last_slash(self) -> None:
        config = parse_config("endpoints: {e: {base_url: 'http://h/a/'}}")
        assert config.endpoints["e"].base_url == "http://h/a"


LINES = re.compile(r"evals\.yaml:(\d+): \S")


def told_of(text: str) -> tuple[str, ...]:
    try:
        parse_config(text)
    except ConfigError as error:
        return error.problems
    return ()


def assert_config_or_problems(text: str) -> None:
    """The law of this file: a config, or problems that all have a line of the file."""
    last = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text))
    for told in told_of(text):
        found = LINES.match(told)
        assert found, told
        assert 1 <= int(found[1]) <= last, told


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)

ODD = {
    "unhashable key": "? [a]\n: b",
    "mapping as a key": "{{a: b}: c}",
    "unknown tag": "suite: !mine x",
    "python tag": "suite: !!python/object/apply:os.getcwd []",
    "value tag": "suite: =",
    "no such day": "suite: 2001-99-99",
    "no digits": "suite: 0b_",
    "not a truth": "suite: !!bool perhaps",
    "not a number": "limits: {attempts: !!int x}",
    "not a float": "limits: {timeout_s: !!float x}",
    "not a time": "suite: !!timestamp x",
    "not even a text": "suite: !!timestamp {=: 2001-01-01}",
    "not base 64": "suite: !!binary é",
    "set": "suite: !!set {a, b}",
    "ordered map": "limits: !!omap [a: 1]",
    "ordered map of scalars": "limits: !!omap [a]",
    "pairs": "limits: !!pairs x",
    "mapping tag on a text": "limits: !!map x",
    "text tag on a mapping": "suite: !!str {a: 1}",
    "tab for indentation": "limits:\n\tattempts: 3",
    "tab at the start": "\tsuite: x",
    "tab in a key": "sui\tte: x",
    "two documents": "suite: a\n---\nsuite: b",
    "list": "- a\n- b",
    "text": "hello",
    "null": "~",
    "number": "3",
    "not closed": "candidates: [a",
    "not quoted": "suite: 'a",
    "no such alias": "suite: *x",
    "colons": ": : :",
    "percent": "%YAML 9.9\n---\nsuite: x",
    "percent of nothing": "%",
    "nul": "suite: a\nstore: \x00",
    "escape": "suite: \x1b[31m",
    "half a surrogate": 'suite: "\\ud800"',
    "impossible character": 'suite: "\\UFFFFFFFF"',
    "more digits than a version has": "%YAML 1." + "9" * 5000 + "\n---\nsuite: x",
    "empty key": "'': 1",
    "null key": "limits: {null: 1}\n~: 2",
    "true key": "yes: 1",
    "number keys": "1: a\nlimits: {2.5: b}\nendpoints: {3: c}",
    "date key": "2001-01-01: x",
    "merge of a text": "limits: {<<: x}",
    "merge of a list": "limits: {<<: [{attempts: 3}, {surprise: 1}]}",
    "list in itself": "candidates: &a [*a]",
    "mapping in itself": "limits: &a {attempts: *a}",
    "unknown loop": "x: &a {y: [*a, *a]}",
    "bomb": BOMB + "suite: *a11\n",
    "bomb of judges": BOMB + "judges: *a11\n",
    "more digits than Python reads": "limits: {attempts: " + "9" * 5000 + "}",
    "more digits than Python writes": "limits: {attempts: 0x" + "f" * 5000 + "}",
    "more digits than a float holds": "limits: {timeout_s: 0x" + "f" * 5000 + "}",
    "many digits as a key": "? 0x" + "f" * 5000 + "\n: x",
    "sixty minutes": "limits: {attempts: 1:99}",
}


class TestOddFiles:
    @pytest.mark.parametrize("text", ODD.values(), ids=ODD)
    def test_odd_yaml_is_told_with_its_line(self, text: str) -> None:
        assert told_of(text)
        assert_config_or_problems(text)

    @pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "a", "a: " + "[" * 2000 + "]" * 2000])
    def test_a_file_nested_without_end_is_told(self, text: str) -> None:
        assert problem(text) == "evals.yaml: is nested too deeply"

    @given(st.text(max_size=60))
    @settings(max_examples=150)
    def test_no_text_at_all_is_a_traceback(self, text: str) -> None:
        assert_config_or_problems(text)

    @given(
        st.lists(
            st.sampled_from(
                [
                    *("suite", "limits", "candidates", "endpoints", "model", "attempts", "<<", "a", "é"),
                    *(
                        ": ",
                        ":",
                        "- ",
                        "\n",
                        "\n  ",
                        ", ",
                        "{",
                        "}",
                        "[",
                        "]",
                        "&a ",
                        "*a",
                        "!",
                        "!!int ",
                        "!!str ",
                        "? ",
                    ),
                    *(
                        "1",
                        "0x1",
                        "1.5",
                        "null",
                        "~",
                        "yes",
                        "2001-01-01",
                        ".inf",
                        "'",
                        '"',
                        "\t",
                        "#",
                        "|",
                        ">",
                        "%",
                        "=",
                    ),
                ]
            ),
            max_size=14,
        ).map("".join)
    )
    @settings(max_examples=300)
    @example("&a {*a : a}")
    @example("limits: &a {<<: *a}")
    @example("a: !!int\n")
    def test_no_yaml_at_all_is_a_traceback(self, text: str) -> None:
        assert_config_or_problems(text)

    @given(st.data())
    @settings(max_examples=150)
    def test_no_value_in_any_place_is_a_traceback(self, data: st.DataObject) -> None:
        keys = st.sampled_from(
            [
                field
                for model in (EvalConfig, CandidateSettings, Judging, Limits, Endpoint)
                for field in model.model_fields
            ]
        )
        scalars: st.SearchStrategy[Any] = (
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
        )
        values: st.SearchStrategy[Any] = st.recursive(
            scalars,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | scalars, inner, max_size=3),
            max_leaves=8,
        )
        config = data.draw(st.dictionaries(keys | scalars, values, max_size=4))
        assert_config_or_problems(yaml.safe_dump(config, allow_unicode=True))


class TestReading:
    def test_a_file_is_read_and_named_in_its_problems(self, tmp_path: Path) -> None:
        path = tmp_path / "e.yaml"
        path.write_text("suite: 'é'\n", encoding="utf-8")
        assert load_config(path).suite == "é"
        path.write_text("a: 1\n")
        with pytest.raises(ConfigError, match=re.escape(f"{path}:1: unknown key `a`")):
            load_config(path)

    def test_a_file_that_is_not_there_or_a_folder_says_how_to_make_one(self, tmp_path: Path) -> None:
        for path in (tmp_path / "no.yaml", tmp_path):
            with pytest.raises(ConfigError, match=re.escape(str(path)) + ": cannot be read .*nextstep init"):
                load_config(path)

    def test_a_file_that_is_not_utf_8_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "e.yaml"
        path.write_bytes("suite: é".encode("latin-1"))
        with pytest.raises(ConfigError, match=r"is not UTF-8 text \(byte 7\)"):
            load_config(path)


@pytest.mark.parametrize(
    "model", [EvalConfig, Judging, Limits, Endpoint, ModelSettings, CandidateSettings, JudgeSettings]
)
def test_settings_are_frozen_and_closed(model: type[BaseModel]) -> None:
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"
