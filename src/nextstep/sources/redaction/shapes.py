"""Secrets that are known by their own shape: a vendor's prefix and what must follow it.

Facts: the vendors' documentation of their token formats, and the public rule sets of gitleaks and detect-secrets.
"""

import re
from enum import IntEnum
from typing import NamedTuple

from nextstep.sources.redaction.found import Found, Rule, begins_word, ends_in_placeholder
from nextstep.sources.redaction.values import LONGEST_JUDGED, is_stand_in
from nextstep.sources.redaction.words import share_of_words

ANY = rb"[A-Za-z0-9_-]"
ALNUM = rb"[A-Za-z0-9]"
HEX = rb"[0-9a-f]"
END = rb"(?![A-Za-z0-9])"


class Joins(IntEnum):
    """What may stand directly before a token: where its beginning is short or ordinary, less than elsewhere."""

    NOTHING = 0
    """Where a word begins."""
    MARKS = 1
    """Also behind `_`, `-` and `.`."""
    LETTERS = 2
    """Anything."""


class Shape(NamedTuple):
    """A kind, the literal beginnings of its tokens, the expression of what follows, and what they may be joined to."""

    kind: str
    heads: str
    tail: bytes
    joins: Joins = Joins.LETTERS


SHAPES = (
    Shape("aws-access-key-id", "AKIA ASIA ABIA ACCA", rb"[A-Z0-9]{16}" + END),
    Shape("aws-bedrock-key", "ABSK", rb"[A-Za-z0-9+/]{100,}=*", Joins.NOTHING),
    Shape("google-api-key", "AIza", ANY + rb"{35}" + END),
    Shape("google-oauth", "ya29.", ANY + rb"{20,}"),
    Shape("google-oauth", "GOCSPX-", ANY + rb"{20,}"),
    Shape("google-oauth", "1//0", ANY + rb"{35,}", Joins.NOTHING),
    Shape("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", ALNUM + rb"{30,}"),
    Shape("github-token", "github_pat_", rb"[A-Za-z0-9_]{22,}"),
    Shape(
        "gitlab-token",
        "glpat- gldt- glft- glsoat- glrt- glrtr- glcbt- glimt- glptt- glagent- gloas- glffct- glwt-",
        rb"[A-Za-z0-9_.-]{20,}",
    ),
    Shape("gitlab-token", "GR1348941", ANY + rb"{20,}"),
    Shape("slack-token", "xoxa- xoxb- xoxc- xoxd- xoxe- xoxe. xoxo- xoxp- xoxr- xoxs-", rb"[A-Za-z0-9.%-]{10,}"),
    Shape("slack-token", "xapp-", rb"[A-Za-z0-9-]{20,}"),
    Shape("stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_", ALNUM + rb"{10,}"),
    Shape("stripe-webhook-secret", "whsec_", rb"[A-Za-z0-9+/=]{20,}"),
    Shape("twilio-key", "SK AC", HEX + rb"{32}" + END, Joins.MARKS),
    Shape("sendgrid-key", "SG.", ANY + rb"{16,32}\." + ANY + rb"{16,64}", Joins.MARKS),
    Shape("mailgun-key", "key- pubkey-", HEX + rb"{32}" + END, Joins.NOTHING),
    Shape("npm-token", "npm_", ALNUM + rb"{36,}"),
    Shape("pypi-token", "pypi-AgE", ANY + rb"{50,}"),
    Shape("huggingface-token", "hf_", ALNUM + rb"{34}" + END),
    Shape("huggingface-token", "hf_ api_org_", ALNUM + rb"{30,}", Joins.MARKS),
    Shape("anthropic-key", "sk-ant-", ANY + rb"{20,}"),
    Shape("openrouter-key", "sk-or-v1-", HEX + rb"{32,}"),
    Shape("openai-key", "sk-proj- sk-svcacct- sk-admin- sk-None-", ANY + rb"{20,}"),
    Shape("openai-key", "sk-", ALNUM + rb"{20,}", Joins.MARKS),
    Shape("groq-key", "gsk_", ALNUM + rb"{40,}"),
    Shape("xai-key", "xai-", ALNUM + rb"{60,}"),
    Shape("perplexity-key", "pplx-", ALNUM + rb"{40,}"),
    Shape("replicate-token", "r8_", ALNUM + rb"{36,}", Joins.MARKS),
    Shape("nvidia-key", "nvapi-", ANY + rb"{40,}"),
    Shape("langsmith-key", "lsv2_pt_ lsv2_sk_", rb"[0-9a-f_]{32,}"),
    Shape("wandb-key", "wandb_v1_", rb"[A-Za-z0-9_]{40,}"),
    Shape("pinecone-key", "pcsk_", rb"[A-Za-z0-9_]{40,}"),
    Shape("databricks-token", "dapi", HEX + rb"{32}(?:-[0-9])?" + END, Joins.MARKS),
    Shape("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", HEX + rb"{64}"),
    Shape("cloudflare-token", "v1.0-", HEX + rb"{24}-[0-9a-f]{100,}", Joins.MARKS),
    Shape("cloudflare-token", "cfk_ cfut_ cfat_", ALNUM + rb"{40,}"),
    Shape("vault-token", "hvs. hvb. hvr.", ANY + rb"{20,}", Joins.MARKS),
    Shape("age-key", "AGE-SECRET-KEY-1", rb"[A-Z0-9]{58}"),
    Shape("docker-token", "dckr_pat_ dckr_oat_", ANY + rb"{20,}"),
    Shape("atlassian-token", "ATATT3 ATCTT3 ATBB", rb"[A-Za-z0-9_=-]{24,}", Joins.MARKS),
    Shape("shopify-token", "shpat_ shpca_ shppa_ shpss_", rb"[0-9a-fA-F]{32}" + END),
    Shape("linear-key", "lin_api_ lin_oauth_", ALNUM + rb"{32,}"),
    Shape("notion-token", "ntn_", ALNUM + rb"{40,}"),
    Shape("figma-token", "figd_", ANY + rb"{36,}"),
    Shape("postman-key", "PMAK-", HEX + rb"{24}-[0-9a-f]{34}"),
    Shape("newrelic-key", "NRAK-", rb"[A-Z0-9]{27}" + END),
    Shape("grafana-token", "glsa_ glc_", rb"[A-Za-z0-9+/_]{32,}={0,2}"),
    Shape("sentry-token", "sntrys_ sntryu_", rb"[A-Za-z0-9+/_=-]{40,}"),
    Shape("dynatrace-token", "dt0c01.", rb"[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Shape("doppler-token", "dp.pt. dp.st. dp.sa. dp.ct.", rb"[A-Za-z0-9._-]{30,}"),
    Shape("planetscale-token", "pscale_tkn_ pscale_pw_ pscale_oauth_", rb"[A-Za-z0-9_.=-]{32,}"),
    Shape("supabase-key", "sbp_ sb_secret_", rb"[A-Za-z0-9_-]{30,}"),
    Shape("heroku-key", "HRKU-", ANY + rb"{36,}"),
    Shape("rubygems-key", "rubygems_", HEX + rb"{48}" + END),
    Shape("tailscale-key", "tskey-", rb"[A-Za-z0-9-]{20,}"),
    Shape("pulumi-token", "pul-", HEX + rb"{40}" + END, Joins.NOTHING),
    Shape("onepassword-token", "ops_eyJ", rb"[A-Za-z0-9+/_=-]{100,}"),
    Shape("jwt", "eyJ", rb"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}"),
)

HOOKS = re.compile(
    rb"(?:hooks\.slack\.com/(?:services|workflows|triggers)/(?P<slack>[A-Za-z0-9/_-]{20,})"
    rb"|(?:discord|discordapp)\.com/api/(?:v[0-9]+/)?webhooks/(?P<discord>[0-9]{5,}/[A-Za-z0-9_-]{30,})"
    rb"|webhook\.office\.com/webhookb2/(?P<teams>[A-Za-z0-9@/-]{40,}))"
)
REACH = 4096
"""Bytes within which a token is judged, so that a text of nothing but beginnings costs no square of its length."""

REACH_JOINED = 512
"""The same inside a word, where a hostile text can have more beginnings."""

_DIGIT = re.compile(rb"[0-9]")
_NOT_ITS_OWN = re.compile(rb"(?:\.[a-z]{2,4})?\.?\Z")
"""Behind a token: a file's ending, the full stop of a sentence."""
_DOTTED = re.compile(rb"[A-Za-z0-9_\]-]\.")
_VARIED = re.compile(rb"(?s)(?=.*[0-9])|(?=.*[a-z])(?=.*[A-Z])")


def _compiled(shapes: tuple[Shape, ...]) -> re.Pattern[bytes]:
    """One expression in which the shape's number names the group that matched."""
    branches = (
        b"(?P<s%d>(?:%s)(?P<t%d>%s))"
        % (number, b"|".join(map(re.escape, shape.heads.encode().split())), number, shape.tail)
        for number, shape in enumerate(shapes)
    )
    return re.compile(b"|".join(branches))


def _by_first(shapes: tuple[Shape, ...]) -> dict[int, tuple[re.Pattern[bytes], tuple[Shape, ...]]]:
    """The shapes that can begin with a byte, as one expression for each byte."""
    table: dict[int, list[Shape]] = {}
    for shape in shapes:
        for first in {head.encode()[0] for head in shape.heads.split()}:
            table.setdefault(first, []).append(shape)
    return {first: (_compiled(tuple(group)), tuple(group)) for first, group in table.items()}


_TABLE = _by_first(SHAPES)


def shape_at(data: bytes, start: int) -> Found | None:
    """The secret with a shape of its own that begins here."""
    entry = _TABLE.get(data[start])
    if not entry:
        return None
    alone = begins_word(data, start) and not _DOTTED.match(data, max(0, start - 2), start)
    reach = REACH if alone else REACH_JOINED
    match = entry[0].match(data, start, start + reach)
    if not match or not match.lastgroup:
        return None
    number = int(match.lastgroup[1:])
    shape, tail = entry[1][number], match.group(f"t{number}")[:LONGEST_JUDGED]
    if is_stand_in(tail) or not _is_issued(tail) or not (alone or _may_join(data, start, shape, tail)):
        return None
    if match.end() == start + reach:
        match = entry[0].match(data, start) or match
    rest = _NOT_ITS_OWN.search(match.group())
    return Found(start, start + rest.start() if rest else match.end(), shape.kind)


def _is_issued(tail: bytes) -> bool:
    """Whether what follows a beginning is drawn: a digit or both cases in it, or letters that are no words."""
    return _VARIED.match(tail) is not None or (len(set(tail)) >= 8 and share_of_words(tail) < 0.5)


def _may_join(data: bytes, start: int, shape: Shape, tail: bytes) -> bool:
    """Whether a token may begin inside a word here: its own beginning is long, and what follows is no word."""
    joins = Joins.MARKS if data[start - 1] in b"_-." else Joins.LETTERS
    wordy = 0.95 if _DIGIT.search(tail) else 0.75
    drawn = len(tail) >= 16 and share_of_words(tail) < wordy
    return joins <= shape.joins and drawn and not ends_in_placeholder(data, start)


def find_shape(data: bytes, start: int) -> tuple[Found, ...]:
    """A vendor's token that begins here."""
    found = shape_at(data, start)
    return (found,) if found else ()


_BOT = re.compile(rb"[0-9]{6,12}\Z")
_BOT_SECRET = re.compile(rb":AA[A-Za-z0-9_-]{32,34}")


def find_bot(data: bytes, start: int) -> tuple[Found, ...]:
    """A Telegram bot's token: its number, which stands before this colon, and its secret."""
    secret = _BOT_SECRET.match(data, start)
    number = _BOT.search(data, max(0, start - 12), start) if secret else None
    if not secret or not number or is_stand_in(secret.group()[3:]):
        return ()
    return (Found(number.start(), secret.end(), "telegram-token"),)


def find_hook(data: bytes, start: int) -> tuple[Found, ...]:
    """The secret path of a webhook's address."""
    match = HOOKS.match(data, start)
    if not match or not match.lastgroup or is_stand_in(match[match.lastgroup]):
        return ()
    return (Found(*match.span(match.lastgroup), f"{match.lastgroup}-webhook"),)


def _gate(shape: Shape) -> bytes:
    """The beginnings of a shape, and a few bytes of the first class of what follows."""
    heads = b"|".join(map(re.escape, shape.heads.encode().split()))
    return b"(?:%s)%s{6}" % (heads, shape.tail[: shape.tail.index(b"]") + 1])


RULES = (
    Rule(b"|".join(map(_gate, SHAPES)), bytes(_TABLE), find_shape),
    Rule(rb":AA[A-Za-z0-9_-]{6}", b":", find_bot),
    Rule(rb"(?:hooks\.slack\.com/|discord(?:app)?\.com/api/|webhook\.office\.com/)", b"hdw", find_hook),
)
