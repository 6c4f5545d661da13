"""Secrets that something carries: addresses with a password, headers, cookies, commands, signatures, key blocks."""

import re

from nextstep.sources.redaction.found import OPENING, Found, Rule, begins_word
from nextstep.sources.redaction.shapes import shape_at
from nextstep.sources.redaction.values import is_code, is_random, is_stand_in

DATABASES = re.compile(
    rb"(?i)(?:postgres\w*|mysql\w*|mariadb\w*|mongodb\w*|redis\w*|amqps?|mssql\w*|sqlserver|oracle\w*|clickhouse\w*|cockroach\w*|neo4j\w*|snowflake"
    rb"|jdbc|kafka|nats|ldaps?|cassandra|influx\w*)(?:\+\w+)?\Z"
)

_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{0,24}\Z")
_USERINFO = re.compile(
    rb"""://[^\s/?\#@:"'<>`\\]{0,96}:(?:(?P<plain>[^\s/"'<>`\\]{1,256})|(?P<slashed>[^\s"'<>`\\@]{1,256}))@(?=[A-Za-z0-9\[$\{_-])"""
)
_PORT = re.compile(rb"[0-9]{0,5}(?:[/?#].*)?\Z", re.DOTALL)
_KEY_USER = re.compile(rb"://(?P<value>[0-9a-f]{32})@")


def find_userinfo(data: bytes, start: int) -> tuple[Found, ...]:
    """The password in `scheme://user:password@host`, or the key alone in front of a host."""
    if key := _KEY_USER.match(data, start):
        return (Found(*key.span("value"), "dsn-key", by_context=True),)
    match = _USERINFO.match(data, start)
    if not match:
        return ()
    group = match.lastgroup or "plain"
    value = match[group]
    if is_stand_in(value) or _PORT.match(value) or OPENING in value or shape_at(data, match.start(group)):
        return ()
    scheme = _SCHEME.search(data, max(0, start - 25), start)
    database = scheme is not None and DATABASES.match(scheme.group()) is not None
    return (Found(*match.span(group), "database-password" if database else "url-password", by_context=True),)


_AUTHORIZATION = re.compile(
    rb"""(?ix) (?:proxy-)?authorization \\*["'`]? \]? \s{0,4} [:=,] \s{0,4} (?:[rbfu]{1,2}(?=["']))? \\*["'`]?
    (?:(?P<scheme>bearer|basic|token|apikey|api-key|digest|negotiate|ssws|key|bot|splunk|gho?st)[ \t]{1,4})?
    (?P<value>[A-Za-z0-9._~+/=:%|-]{8,4096})"""
)
_BEARER = re.compile(rb"(?i)bearer[ \t]{1,4}(?P<value>[A-Za-z0-9._~+/=-]{16,4096})")


def find_header(data: bytes, start: int) -> tuple[Found, ...]:
    """The credentials of an Authorization header, or after `Bearer` alone."""
    match = _AUTHORIZATION.match(data, start) or _BEARER.match(data, start)
    if not match or not (begins_word(data, start) or data[start - 1] == 0x2D):
        return ()
    value = match["value"]
    scheme = (match.groupdict().get("scheme") or b"bearer").lower()
    least = 8 if scheme == b"basic" else 12
    plausible = is_random(value, least) or (scheme == b"basic" and len(value) >= 8 and _MIXED.search(value))
    if is_stand_in(value) or not plausible or is_code(value) or shape_at(data, match.start("value")):
        return ()
    return (Found(*match.span("value"), "basic-auth" if scheme == b"basic" else "bearer-token", by_context=True),)


_MIXED = re.compile(rb"(?=.*[A-Z])(?=.*[a-z])(?:.*[0-9=]|.{16})")

_COOKIE = re.compile(rb"""(?i)(?:set-)?cookie\\*["'`]?\s{0,4}[:=,]\s{0,4}\\*["'`]?(?=[\w.-]{1,64}=)""")
_PAIR = re.compile(rb"""(?P<name>[\w.-]{1,64})=(?P<value>[^\s;,"'\\<>`]{1,4096})(?:;[ \t]{0,4})?""")
_ATTRIBUTE = re.compile(rb"(?i)(?:path|domain|expires|max-age|samesite|version|priority|lang|locale|theme|tz)\Z")
_MOST_PAIRS = 64


def find_cookies(data: bytes, start: int) -> tuple[Found, ...]:
    """The values of a cookie header that look drawn."""
    head = _COOKIE.match(data, start)
    found: list[Found] = []
    pair = _PAIR.match(data, head.end()) if head else None
    while pair and len(found) < _MOST_PAIRS:
        value = pair["value"]
        if (
            not _ATTRIBUTE.match(pair["name"])
            and is_random(value, 10)
            and not is_stand_in(value)
            and OPENING not in value
        ):
            shaped = shape_at(data, pair.start("value"))
            found.append(shaped or Found(*pair.span("value"), "cookie", by_context=True))
        pair = _PAIR.match(data, pair.end())
    return tuple(found)


_SIGNATURE = re.compile(
    rb"(?:sig|X-Amz-Signature|X-Goog-Signature|Signature|X-Amz-Security-Token|X-Amz-Credential)=(?P<value>[A-Za-z0-9%+/=._-]{20,2048})"
)


def find_signature(data: bytes, start: int) -> tuple[Found, ...]:
    """The signature of a signed address, such as a shared access signature."""
    match = _SIGNATURE.match(data, start + 1)
    if not match or is_stand_in(match["value"]) or not is_random(match["value"]):
        return ()
    return (Found(*match.span("value"), "url-signature", by_context=True),)


_CURL_USER = re.compile(
    rb"""(?:-u|--user|--proxy-user)[ \t=]{1,4}\\*["']?(?P<user>[\w.@+%-]{1,64}):(?P<value>[^\s"'\\@|;&<>`]{4,256})"""
)
_NETRC = re.compile(
    rb"(?:login|machine)[ \t]{1,8}\S{1,128}\s{1,8}(?:login[ \t]{1,8}\S{1,128}\s{1,8})?"
    rb"password[ \t]{1,8}(?P<value>[^\s\"'\\]{4,256})"
)
_SSHPASS = re.compile(rb"""sshpass[ \t]{1,4}-p[ \t]{0,4}(?P<open>["'])?(?P<value>[^\s"'\\]{4,256})""")
_MYSQL = re.compile(rb"""mysql(?:dump|admin|import)?[ \t](?:[^\n|;]{0,120}?[ \t])?-p(?P<value>[^\s"'\\|;&]{6,128})""")


def find_command(data: bytes, start: int) -> tuple[Found, ...]:
    """The password in a command's own way of writing it: curl -u, .netrc, sshpass, mysql -p."""
    match = next((match for rule in (_CURL_USER, _NETRC, _SSHPASS, _MYSQL) if (match := rule.match(data, start))), None)
    if not match or not begins_word(data, start):
        return ()
    value = match["value"]
    if (
        is_stand_in(value)
        or is_code(value)
        or value.isdigit()
        or OPENING in value
        or shape_at(data, match.start("value"))
    ):
        return ()
    return (Found(*match.span("value"), "password", by_context=True),)


_BEGIN = re.compile(rb"-----BEGIN (?P<label>[A-Z0-9 ]{0,32}PRIVATE KEY(?: BLOCK)?)-----")
_PPK = re.compile(rb"Private-Lines:[ ]?[0-9]{1,4}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=]{16,}")
_BREAK = rb"(?:[\s\"'+,>|#*]|\\{1,4}[nrt]|[0-9]{1,6}\xe2\x86\x92)"
_LEAD = re.compile(_BREAK + rb"*+(?:[A-Z][A-Za-z-]{3,24}:[^\n\\]{0,200}" + _BREAK + rb"++){0,6}")
_BODY = re.compile(
    rb"[A-Za-z0-9+/=]{16,}+(?:"
    + _BREAK
    + rb"++[A-Za-z0-9+/=]{16,}+)*+(?:"
    + _BREAK
    + rb"++[A-Za-z0-9+/]{1,15}+(?:=|\Z|\.\.\.)=?)?"
)
_LONGEST_KEY = 32_768


def find_key_block(data: bytes, start: int) -> tuple[Found, ...]:
    """The body of a private key in PEM, on several lines or escaped on one, with its end or cut off before it."""
    begin = _BEGIN.match(data, start) or _PPK.match(data, start)
    if not begin:
        return ()
    lead = _LEAD.match(data, begin.end())
    first = lead.end() if lead else begin.end()
    if data.startswith(OPENING, first):
        return ()
    limit = first + _LONGEST_KEY
    end = data.find(b"-----END", first, limit)
    again = data.find(b"-----BEGIN", first, limit)
    if end < 0 or 0 <= again < end or not _is_body(data[first:end], 24):
        body = _BODY.match(data, first, limit)
        end = body.end() if body else first
    if not _is_body(data[first:end], 16):
        return ()
    return (Found(first, first + len(_TAIL.sub(b"", data[first:end])), "private-key"),)


_TAIL = re.compile(rb"(?:[\s\"',]|\\{1,4}[nrt])+\Z")


def _is_body(body: bytes, least: int) -> bool:
    """Whether this is mostly base64, with a run of at least so many characters that are drawn."""
    runs = _BASE64.findall(body)
    return any(len(run) >= least and len(set(run)) > 8 for run in runs) and sum(map(len, runs)) * 2 >= len(body)


RULES = (
    Rule(rb"://[^\s/?#@:\"'<>`\\]{0,96}:[^\s\"'<>`\\@]{1,256}@", b":", find_userinfo),
    Rule(rb"://[0-9a-f]{32}@", b":", find_userinfo),
    Rule(
        rb"(?i:(?:proxy-)?authorization[\\\"'`\]]{0,6}\s{0,4}[:=,]|bearer[ \t]{1,4}[\w.~+/-]{16})", b"apb", find_header
    ),
    Rule(rb"(?i:(?:set-)?cookie[\\\"'`]{0,4}\s{0,4}[:=,])", b"cs", find_cookies),
    Rule(rb"[?&;](?:sig|X-Amz-Signature|X-Goog-Signature|Signature|X-Amz-Security-Token)=", b"?&;", find_signature),
    Rule(
        rb"(?:(?:-u|--user|--proxy-user)[ \t=]{1,4}[\\\"']{0,4}[\w.@+%-]{1,64}:"
        rb"|(?:login|machine)[ \t]+\S+\s+|sshpass[ \t]+-p|mysql(?:dump|admin|import)?[ \t])",
        b"-lsm",
        find_command,
    ),
    Rule(rb"(?:-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY|Private-Lines:)", b"-P", find_key_block),
)
