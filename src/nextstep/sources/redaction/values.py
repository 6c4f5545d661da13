"""Whether a value that stands where a secret would is one: no word, no name, no code, no example."""

import re

from nextstep.sources.redaction.words import share_of_words

_STAND_IN = re.compile(
    rb"""(?ix)
    [\W_]* (?: x{3,} | \*{3,} | \.{3,} | -{3,} ) [\W_]*
    | <.* | required\|.* | [{\[(].* | \$[({].* | \$[A-Za-z_][A-Za-z0-9_]*(?:[-.:/].*)? | \$[0-9@*\#?$!]?
    | %[A-Za-z_]+%? | %[({].* | @[A-Za-z_./:-]* | ~(?:/.*)? | \|[-+]? | ![A-Za-z]+ | [&*][A-Za-z_]+
    | (?: my|some|any|fake|mock|invalid|test|wrong|bad|old|new|the|foo|bar|baz|user|admin|root|no|demo|sample|valid
        | plain | correct )
      [-_.]? (?: super[-_.]? )?
      (?: token | secret | password | passwd | pass | pwd | key | api[-_.]?key | credentials? | auth | value )? [-_.]?
      (?: token | secret | password | key | value )? [-_.]? [0-9]{0,3}
    | (?: password | passwd | passphrase | pass | pwd | secret | token | bearer | basic | key | api[-_]?key | postgres
        | postgresql | mysql | mongo | mongodb | redis | guest | rabbitmq | minio | minioadmin | none | null | nil
        | true | false | undefined | empty | string | str | bytes | required | optional | env | auto | default
        | localhost | x-oauth-basic | x-access-token | s3cr3t | pa(?:ss|\$\$)w0rd
        | passwort | wachtwoord | contrase(?:n|\xc3\xb1)a | mot-?de-?passe | senha | has(?:l|\xc5\x82)o
        | hidden | encrypted | hashed | confirmed | nullable | missing | invalid | include | omit | same-origin
        | text | number | integer | boolean | float | double | object | array | any | unknown | never | always
        | void | varchar[0-9]* | char | opaque | generic | enabled | disabled | yes | no | on | off
        | prompt | keyring | stdin | file | vault | unset | blank | n/?a | tbd
      ) [0-9]{0,3} [!?]?
    | a?abc[-_]?123(?:456)?(?:def)? | abcdef(?:gh\w*)? | (?:0123456789|1234567890)? (?:abcdef)? (?:0?123456789?0?)*
    """
)
_STAND_IN_WITHIN = re.compile(
    rb"""(?ix)
    [x*]{5,} | \.\.\. | \$[({] | \{\{ | \#\{ | %\( | example | placeholder | change[-_ ]?(?:me|this|it)\b | your[-_ ]
    | \byour | dummy | insert[-_ ] | replace[-_ ]?(?:me|with|this)
    | redacted | goes[-_]here | [-_]here\b | fixme | \btodo\b
    | lorem | hidden | masked | removed | not[-_ ]?set | sanitized
    """
)
_CODE_WITHIN = re.compile(rb"[()\[\]{}<>]")
_CODE = re.compile(
    rb"""(?x)
    (?:self|this|os|env|process|settings|config|cfg|options|opts|args|params|request|req|res|response|import|ctx|state|props|data|user
      |account|secrets|vars|var|local|module|each|s|t|c|r|p|m|cmd)\.[A-Za-z_].*
    | [A-Za-z_][A-Za-z0-9_]*(?:(?:\.|::|->)[A-Za-z_][A-Za-z0-9_]*)+
    """
)
_DIGEST = re.compile(rb"(?i)(?:sha[0-9]{1,3}|md5|blake2b)[:=-].*")
_UUID = re.compile(rb"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RUNS = re.compile(rb"[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")
_DIGITS = re.compile(rb"[0-9]+")
_LETTERS = re.compile(rb"[A-Za-z]")
_DIGIT = re.compile(rb"[0-9]")
_MARK = re.compile(rb"[^A-Za-z0-9_./: -]")
_PIECE = re.compile(rb"[^A-Za-z0-9]+")
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*")

LONGEST_JUDGED = 128
"""Bytes of a value that are looked at; a long value is as random at its start as anywhere."""


def is_stand_in(value: bytes) -> bool:
    """Whether a value only holds the place of a secret: `<token>`, `xxxx`, `your-api-key-here`, `${VAR}`."""
    seen = value[:LONGEST_JUDGED]
    return len(set(seen)) < 4 or _STAND_IN_WITHIN.search(seen) is not None or _STAND_IN.fullmatch(seen) is not None


def is_code(value: bytes) -> bool:
    """Whether an unquoted value is an expression: a call, an index, a dotted name."""
    seen = value[:LONGEST_JUDGED]
    return _CODE_WITHIN.search(seen) is not None or (_CODE.fullmatch(seen) is not None and not _is_unlike_names(seen))


def _is_unlike_names(value: bytes) -> bool:
    """Whether a value with a full stop inside is rather drawn than an attribute: numbers in it, or cases at random."""
    drawn = len(_DIGITS.findall(value)) >= 2 or (_has_cases(value) and b"_" not in value)
    return len(value) >= 12 and drawn and share_of_words(value) < 0.5


def is_digest(value: bytes) -> bool:
    """Whether a value says itself that it is a digest (`sha256:...`)."""
    return _DIGEST.fullmatch(value[:LONGEST_JUDGED]) is not None


def is_uuid(value: bytes) -> bool:
    """Whether a value is a UUID."""
    return _UUID.fullmatch(value) is not None


def is_random(value: bytes, least: int = 12) -> bool:
    """Whether a value reads like drawn characters: no word, no identifier, no number, no version."""
    seen = value[:LONGEST_JUDGED]
    if len(seen) < least or not _LETTERS.search(seen) or not _DIGIT.search(seen):
        return False
    joined = seen.translate(None, b"-_.")
    return (
        any(_is_drawn(piece) for piece in _PIECE.split(seen))
        or (len(joined) >= 20 and _has_cases(joined) and share_of_words(joined) < (0.5 if len(joined) < 28 else 0.65))
        or _is_jumbled(seen)
    )


def _is_drawn(piece: bytes) -> bool:
    """Whether one piece without separators is drawn: digits in several places, or all classes, and few words."""
    if len(piece) < 8 or len(set(piece)) < 6:
        return False
    groups = len(_DIGITS.findall(piece))
    words = share_of_words(piece)
    if len(piece) >= 28:  # nobody writes identifiers of this length with a digit in them
        return groups >= 1 and words < 0.85
    return (groups >= 2 and words < 0.7) or (groups == 1 and _has_cases(piece) and words < 0.6)


def _has_cases(piece: bytes) -> bool:
    return piece.lower() != piece != piece.upper()


def _is_jumbled(value: bytes) -> bool:
    """Whether a short value with punctuation inside is a chosen password rather than a name."""
    runs = _RUNS.findall(value)
    marks = sum(bool(_MARK.search(run)) for run in runs)
    return marks >= 1 and len(runs) >= 5 and any(run.isupper() for run in runs) and any(run.islower() for run in runs)


def is_name(value: bytes) -> bool:
    """Whether a value without quotes can be a variable's name: it has at most one place with digits, or is short."""
    return _NAME.fullmatch(value) is not None and (
        len(value) < 16 or (len(value) < 28 and len(_DIGITS.findall(value)) < 2)
    )


def is_password(value: bytes) -> bool:
    """Whether a value after `password=` can be one: letters with digits or with marks, six or more."""
    seen = value[:LONGEST_JUDGED]
    return len(seen) >= 6 and bool(_LETTERS.search(seen)) and bool(_DIGIT.search(seen) or _MARK.search(seen))


def is_strong(value: bytes) -> bool:
    """Whether a value is unlikely enough elsewhere to be replaced wherever it stands alone."""
    return is_random(value, 10) and len(set(value)) >= 8
