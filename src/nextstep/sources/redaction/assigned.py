"""Secrets that are known by the name they are given to: `password = "..."`, `API_KEY=...`, `--token ...`."""

import re

from nextstep.sources.redaction.found import Found, Rule
from nextstep.sources.redaction.shapes import shape_at
from nextstep.sources.redaction.values import (
    is_code,
    is_digest,
    is_name,
    is_password,
    is_random,
    is_stand_in,
    is_uuid,
)

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
    rb"|base64|b64|raw|plain|text|v?[0-9]{1,3}))*\Z"
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
_BARE = re.compile(rb"""[^\s"'`<>(){},;\[\]|&\\\x00-\x20]+""")
_ENV_NAME = re.compile(rb"[A-Z0-9_]+\Z")
_CHOSEN = re.compile(rb"""[^\s"'`<>(){},;\[\]|&\\]{8,128}(?=[\s;&"'<]|\\[nr]|\Z)""")
_DIGIT = re.compile(rb"[0-9]")
_MARK = re.compile(rb"[^A-Za-z0-9_.]")


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
        return _in_xml(data, end, name)
    if told := _IS.match(data, end):
        return _judged(data, told.end(), told["open"], name, loose=False)
    tie = _TIE.match(data, end)
    if not tie or (tie["comma"] and not tie["quote"]) or (_SESSION_ID.search(name) and not tie["equals"]):
        return None
    tight = not tie["before"] and not tie["after"] and not tie["quote"]
    loose = tight and (bool(_ENV_NAME.match(name)) or (data[tie.end() - 1] == 0x3D and _chosen(data, tie.end(), name)))
    return _judged(data, tie.end(), tie["open"], name, loose=loose)


def _chosen(data: bytes, start: int, name: bytes) -> bool:
    """Whether `password=` is followed by what a person chose, and not by a variable: it ends a line or a field."""
    match = _CHOSEN.match(data, start) if _PASSWORD.search(name) else None
    return match is not None and (len(_DIGIT.findall(match.group())) >= 2 or bool(_MARK.search(match.group())))


_FLAG = re.compile(
    rb"--(?P<name>(?P<before>[A-Za-z0-9-]{0,32}?)(?i:"
    + NAMES
    + rb")(?P<rest>[\w-]{0,20}))(?:=|[ \t]{1,8})(?P<open>\\*[\"'])?"
)


def find_flag(data: bytes, start: int) -> tuple[Found, ...]:
    """The secret after a command's flag: `--password ...`, `--api-key=...`."""
    flag = _FLAG.match(data, start)
    if not flag or not _AFTER_WORD.match(flag["rest"]) or _NO_SECRET_BEFORE.search(flag["before"]):
        return ()
    value = _judged(data, flag.end(), flag["open"], flag["name"], loose=True)
    return (Found(*value, _kind(flag["name"]), by_context=True),) if value else ()


_SESSION_ID = re.compile(rb"(?i)session_?id\Z")


def _in_xml(data: bytes, end: int, name: bytes) -> tuple[int, int] | None:
    match = _XML.match(data, end)
    if not match or not _is_secret(match["value"], name, loose=True):
        return None
    return match.span("value")


def _judged(data: bytes, start: int, opening: bytes | None, name: bytes, *, loose: bool) -> tuple[int, int] | None:
    """The value that starts here, if it is a secret; `loose` where a plain literal is expected without quotes."""
    end = _closing(data, start, opening) if opening else None
    if end is not None:
        value = data[start:end]
        fits = not re.search(rb"\s", value) and _is_secret(value, name, loose=True)
        return _ours(data, start, end) if fits else None
    match = _BARE.match(data, start, start + JUDGED)
    if not match or data[match.end() : match.end() + 1] in {b"(", b"["}:
        return None
    value = match.group().rstrip(b".:!?") if not loose else match.group()
    if is_code(value) or (not loose and not opening and is_name(value)):
        return None
    if not _is_secret(value, name, loose=loose or bool(opening)):
        return None
    if len(value) == JUDGED and (match := _BARE.match(data, start)):
        value = match.group()
    return _ours(data, start, start + len(value))


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


def _ours(data: bytes, start: int, end: int) -> tuple[int, int] | None:
    """The span, unless it is a vendor's token (whose own rule names it)."""
    return None if shape_at(data, start) else (start, end)


def _is_secret(value: bytes, name: bytes, *, loose: bool) -> bool:
    """Whether a value can be the secret of this name."""
    if is_stand_in(value) or is_digest(value) or b"://" in value[:40] or value[:1] in {b"/", b"."}:
        return False
    if not loose:
        return is_random(value)
    if _PASSWORD.search(name):
        return is_random(value) if b"/" in value else is_password(value)
    if is_uuid(value):
        return _UUID_NAME.search(name) is not None
    return is_random(value, 10)


_PASSWORD = re.compile(rb"(?i)pass|pwd")
_UUID_NAME = re.compile(rb"(?i)api[_-]?key|secret|(?:auth|access|refresh|bearer|bot|deploy)[_-]?token")
"""Names whose value may be a UUID; for others it is a session's or a request's id, which matters to the text."""

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
