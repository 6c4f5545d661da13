"""Secrets that are known by the name they are given to: `password = "..."`, `API_KEY=...`, `--token ...`."""

import re

from nextstep.sources.redaction.found import Found, Rule
from nextstep.sources.redaction.plausible import Place, is_secret_of
from nextstep.sources.redaction.shapes import shape_at
from nextstep.sources.redaction.values import is_code

NAMES = (
    rb"(?:pass(?:w(?:or)?d|phrase|code)?|pwd|secret|token|credentials?|api[_-]?key|(?:access|auth|private|account|shared|encrypt(?:ion)?"
    rb"|signing|master|license|webhook|service|session|app|admin|root|jwt|hmac|aes)[_-]?key|sharedaccesskey|_auth"
    rb"|(?:php|j)?sessionid|connect\.sid)"
)
"""What a name that holds a secret ends in."""

LONGEST_VALUE = 4096
LONGEST_NAME = 64
JUDGED = 128
"""Bytes of a value without quotes on which it is judged; one that is a secret then goes to its end."""

_NAME_BEFORE = re.compile(rb"[A-Za-z0-9_.-]{0,64}\Z")
_AFTER_WORD = re.compile(
    rb"(?i)(?:[_-]?(?:value|prod(?:uction)?|dev(?:elopment)?|stag(?:ing|e)|test(?:ing)?|live|main|old|new|backup|default|token|key|access|string"
    rb"|base64|b64|raw|plain|text|confirm(?:ation)?|again|v?[0-9]{1,3}))*\Z"
)
_NO_SECRET_BEFORE = re.compile(
    rb"(?i)(?:next|page|cursor|continu\w*|eos|bos|pad|sep|cls|mask|unk|stop|special|start|end|sync|resume|cache|idempotency|design|num|max|min"
    rb"|total|input|output|per|public(?:_?key)?|csrf_?name|primary|foreign|sort|partition|type|show|hide|forgot|reset|has|is|no|allow|get|set|use"
    rb"|decode|verify|check|validate|parse|hash|bypass|compass)[_.-]?\Z|(?:next|page)[ ]\Z"
)
_TIE = re.compile(
    rb"""(?x)
    (?P<quote>\\*["'`])? \]? (?P<before>[ \t]{0,40})
    (?: :[ \t]{0,4}[A-Za-z_][A-Za-z0-9_.\[\], |?]{0,40}?[ \t]{0,4}=(?=[ \t]{0,4}[A-Za-z]{0,2}\\*["'])
      | => | := | \?= | ===? | != | (?P<equals>=) | : | (?P<comma>,)(?=[ \t]{0,4}\\*["']) )
    (?P<after>[ \t]{0,40}) (?:[rbfuRBFU]{1,2}(?=["']))?
    (?P<open>\\*["'`]{1,3})?
    """
)
_XML = re.compile(rb">\s{0,40}(?P<value>[^<>\s]{1,512})\s{0,40}</")
_IS = re.compile(rb"""(?i)[ \t]{1,3}(?:is|was)[ \t]{1,3}(?P<open>\\*["'`])?""")
_QUOTED = re.compile(rb"(?P<value>[^\s]++)\Z")
_BARE = re.compile(rb"""(?P<value>[^\s"'`<>(){},;\[\]|&\\\x00-\x20]+)""")
_ENV_NAME = re.compile(rb"[A-Z0-9_]+\Z")
_FIELD = re.compile(rb"""[^\s"'`<>(){},;\[\]|&\\]{4,128}(?=[\s;&"'<]|\\[nr]|\Z)""")
"""What follows `password=` without a space where it is data: it ends a line, a word, a field of an address."""
_LINE_BEFORE = re.compile(
    rb"""(?x) (?:\A|[\n\r]|\\n) (?:[\w./@+-]{1,64}[:-][0-9]{1,6}[:-])? [ \t]{0,40}
    (?:(?:[+>\#;*-]|[0-9]{1,6}(?:\t|\xe2\x86\x92|[|:])|export|set|ENV|ARG|local) [ \t]{0,40}){0,3} \Z"""
)
"""From a line's start to a name: what grep, diff, cat -n and lists write there, and nothing else."""
_PAIR = (
    rb"(?:[\w./@+-]{1,64}[:-][0-9]{1,6}[:-])?(?:[ \t>*+-]|[0-9]{1,6}(?:\t|\xe2\x86\x92|[|:])){0,40}"
    rb"[a-z][\w.-]{0,40}:(?:[ \t]{1,4}(?!(?:str|int|bool|float|bytes|string|number|boolean|any|object|[A-Z]\w*)\b)"
    rb"[\w./:@\"'-]{1,80})?[ \t]{0,8}"
)
_NEIGHBOUR = re.compile(rb"(?:\A|[\n\r]|\\n)" + _PAIR + rb"\r?\Z")
_NEIGHBOUR_BEHIND = re.compile(rb"(?:\r?\n|\\n)" + _PAIR + rb"(?=[\n\r\"]|\\[nr\"]|\Z)")
_LINE_VALUE = re.compile(
    rb"""(?x) (?P<value> (?: [^\s"'`<>(){}\[\]\\&] | &(?![A-Za-z_]{1,32}=) )++ (?<![,;]) )
    (?: [ \t]{1,40}\#[^\n]{0,200} | [ \t]{0,40} ) (?= [\n\r"'] | \\[nr"] | \Z )"""
)


def find_assigned(data: bytes, start: int) -> tuple[Found, ...]:
    """The secret that is given to the name here, if the name is a secret's and the value no stand-in."""
    word = _WORD.match(data, start)
    if not word:
        return ()
    before = _NAME_BEFORE.search(data, max(0, start - LONGEST_NAME), start)
    prefix = before.group() if before else b""
    if not _AFTER_WORD.match(word["rest"]) or _NO_SECRET_BEFORE.search(data, max(0, start - 24), start):
        return ()
    if word["word"].lower() == b"pass" and not _is_noun(prefix, word, data[word.end() : word.end() + 2]):
        return ()
    if data.endswith(b"::", 0, start - len(prefix)):  # a type's path, such as AWS::IAM::AccessKey
        return ()
    name = prefix + word.group()
    value = _value(data, word.end(), name)
    return (Found(*value, _kind(name), by_context=True),) if value else ()


def _is_noun(prefix: bytes, word: re.Match[bytes], after: bytes) -> bool:
    """Whether `pass` names a password: `db_pass`, `dbPass`, `pass="`; not `compass`, nor a test run's `PASS: TestX`."""
    if prefix[-1:].isalpha():
        return prefix[-1:].islower() and word["word"][:1] == b"P"
    return bool(prefix) or after[:1] in {b"=", b'"', b"'"} or after == b" ="


_WORD = re.compile(rb"(?i)(?P<word>" + NAMES + rb")(?P<rest>[\w-]{0,20})")


def _value(data: bytes, end: int, name: bytes) -> tuple[int, int] | None:
    """The span of the value that follows a name ending here."""
    if data[end : end + 1] == b">":
        match = _XML.match(data, end)
        return _judged(match, name, Place.DATA) if match else None
    if told := _IS.match(data, end):
        return _at(data, told.end(), told["open"], name, (Place.LOOSE, Place.CODE))
    tie = _TIE.match(data, end)
    if not tie or (tie["comma"] and not tie["quote"]) or (_SESSION_ID.search(name) and not tie["equals"]):
        return None
    if tie["open"]:
        return _at(data, tie.end(), tie["open"], name, (Place.LOOSE if tie["comma"] else Place.DATA, Place.CODE))
    tight = bool(tie["equals"]) and not (tie["before"] or tie["after"] or tie["quote"])
    if tight and _FIELD.match(data, tie.end()):
        place = Place.DATA if _ENV_NAME.match(name) or _is_field(data, end - len(name)) else Place.LINE
        return _on_line(data, end, tie.end(), name, place) or _at(data, tie.end(), None, name, (place, place))
    return _on_line(data, end, tie.end(), name, Place.LINE) or _at(
        data, tie.end(), None, name, (Place.CODE, Place.CODE)
    )


def _is_field(data: bytes, first: int) -> bool:
    """Whether the name that begins here is a field of an address or of a connection's line, or begins its line."""
    return first == 0 or data[first - 1] in b"?&;\n"


def _on_line(data: bytes, end: int, start: int, name: bytes, place: Place) -> tuple[int, int] | None:
    """The value that starts here, if the name begins its line and the value ends it, as in YAML and ini files."""
    first = end - len(name)
    if not _LINE_BEFORE.search(data, max(0, first - 96), first):
        return None
    match = _LINE_VALUE.match(data, start, start + LONGEST_VALUE)
    if match and place is Place.LINE and data[end : end + 1] == b":" and _in_block(data, first, match.end()):
        place = Place.DATA
    return _judged(match, name, place) if match and not is_code(match["value"]) else None


def _in_block(data: bytes, first: int, end: int) -> bool:
    """Whether the line before or behind says `name: value` too, and the value is no type, as in YAML."""
    line = max(data.rfind(b"\n", max(0, first - 96), first), data.rfind(b"\\n", max(0, first - 96), first))
    before = line > 0 and _NEIGHBOUR.search(data, max(0, line - 160), line)
    return bool(before or _NEIGHBOUR_BEHIND.match(data, end, end + 200))


def _judged(match: re.Match[bytes], name: bytes, place: Place) -> tuple[int, int] | None:
    """The span of the value that was matched, if it is a secret and no vendor's token (whose own rule names it)."""
    start, end = match.span("value")
    if not is_secret_of(match["value"], name, place) or shape_at(match.string, start):
        return None
    return start, end


_FLAG = re.compile(
    rb"--(?P<name>(?P<before>[A-Za-z0-9-]{0,32}?)(?i:"
    + NAMES
    + rb")(?P<rest>[\w-]{0,20}))(?P<tie>=|[ \t]{1,8})(?P<open>\\*[\"'])?"
)


def find_flag(data: bytes, start: int) -> tuple[Found, ...]:
    """The secret after a command's flag: `--password ...`, `--api-key=...`."""
    flag = _FLAG.match(data, start)
    if not flag or not _AFTER_WORD.match(flag["rest"]) or _NO_SECRET_BEFORE.search(flag["before"]):
        return ()
    bare = Place.DATA if flag["tie"] == b"=" else Place.LINE
    value = _at(data, flag.end(), flag["open"], flag["name"], (Place.DATA, bare))
    return (Found(*value, _kind(flag["name"]), by_context=True),) if value else ()


_SESSION_ID = re.compile(rb"(?i)session_?id\Z")


def _at(
    data: bytes, start: int, opening: bytes | None, name: bytes, places: tuple[Place, Place]
) -> tuple[int, int] | None:
    """The value that starts here, if it is a secret: in quotes (judged by the first place) or bare (by the second)."""
    end = _closing(data, start, opening) if opening else None
    if end is not None:
        match = _QUOTED.match(data, start, end)
        return _judged(match, name, places[0]) if match else None
    match = _BARE.match(data, start, start + JUDGED)
    if not match or data[match.end() : match.end() + 1] in {b"(", b"["} or is_code(match["value"]):
        return None
    if places[1] is Place.CODE:
        match = _BARE.match(data, start, start + len(match.group().rstrip(b".:!?"))) or match
    span = _judged(match, name, places[1])
    if span and len(match.group()) == JUDGED and (whole := _BARE.match(data, start)):
        return whole.span()
    return span


def _closing(data: bytes, start: int, opening: bytes) -> int | None:
    r"""Where the value in quotes ends; None when the quotes do not close on this line.

    Inside a JSON string the quotes are `\"`: the closing ones then carry as many backslashes.
    """
    quote = opening[-1:]
    end = data.find(opening, start, start + LONGEST_VALUE)
    line = data.find(b"\n", start, start + LONGEST_VALUE)
    if end < 0 or 0 <= line < end:
        return None
    return end if end > start or quote != opening else None


_KINDS = (
    (re.compile(rb"(?i)aws.*session|session_?token"), "aws-session-token"),
    (re.compile(rb"(?i)aws.*secret|secret_?access_?key"), "aws-secret-key"),
    (re.compile(rb"(?i)account_?key|sharedaccess|azure"), "azure-key"),
    (re.compile(rb"(?i)cloudflare|(?:\b|_)cf_"), "cloudflare-token"),
    (re.compile(rb"(?i)twilio"), "twilio-key"),
    (re.compile(rb"(?i)heroku"), "heroku-key"),
    (re.compile(rb"(?i)datadog|(?:\b|_)dd_"), "datadog-key"),
    (re.compile(rb"(?i)pass|pwd"), "password"),
    (re.compile(rb"(?i)session|sid\Z"), "cookie"),
    (re.compile(rb"(?i)api[_-]?key"), "api-key"),
    (re.compile(rb"(?i)token|_auth"), "token"),
)


def _kind(name: bytes) -> str:
    return next((kind for pattern, kind in _KINDS if pattern.search(name)), "secret")


RULES = (
    Rule(
        rb"(?i:" + NAMES + rb"[\w-]{0,20}(?:[\\\"'`\]]{0,8}[ \t]{0,40}[=:?,]|[ \t]{1,3}(?:is|was)[ \t]|>))",
        b"pstcaelmwrjh_",
        find_assigned,
    ),
    Rule(rb"--[A-Za-z0-9-]{0,32}(?i:" + NAMES + rb")[\w-]{0,20}[ \t=]", b"-", find_flag),
)
