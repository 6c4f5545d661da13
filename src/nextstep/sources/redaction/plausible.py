"""Whether a value can be the secret of a name: the surer the place that it is a value, the less is asked of it."""

import re
from enum import Enum

from nextstep.sources.redaction.values import is_digest, is_name, is_password, is_random, is_stand_in, is_uuid
from nextstep.sources.redaction.words import share_of_words


class Place(Enum):
    """How sure it is that what stands here is a value, and not a word, a name or a type."""

    DATA = "data"
    """In quotes behind its name, or in an env file: nothing but a value can stand here."""
    LINE = "line"
    """Without quotes, to the end of a line or a field: a value, unless it reads like a name."""
    LOOSE = "loose"
    """In quotes, but the name may be no name: a list of words, a sentence."""
    CODE = "code"
    """Without quotes, in what may be a program."""


_PASSWORD = re.compile(rb"(?i)pass|pwd|secret\Z")
_UUID_NAME = re.compile(rb"(?i)api[_-]?key|secret|(?:auth|access|refresh|bearer|bot|deploy)[_-]?token")
"""Names whose value may be a UUID; for others it is a session's or a request's id, which matters to the text."""


def is_secret_of(value: bytes, name: bytes, place: Place) -> bool:
    """Whether a value in this place can be the secret of this name."""
    if is_stand_in(value) or is_digest(value) or b"://" in value[:40] or _is_path(value):
        return False
    if place is Place.CODE:
        return is_random(value) and not is_name(value)
    if is_uuid(value):
        return _UUID_NAME.search(name) is not None
    if _PASSWORD.search(name):
        return _is_chosen(value, place)
    return _is_issued(value, place)


_LETTERS = re.compile(rb"[A-Za-z]")
_DIGITS = re.compile(rb"[0-9]+")
_PHRASE = re.compile(rb"[a-z]{3,12}(?:-[a-z]{3,12}){3,8}")
"""Four words: a pass phrase."""
_DIRECTORY = re.compile(
    rb"(?i)(?:~|\.{1,2}|[a-z]:)[\\/]|/[\w.-]+/|/(?:etc|var|run|tmp|home|opt|usr|mnt|app|data|secrets?|api|dev|root)\b"
)
_AWS_SECRET = re.compile(rb"(?=.*[0-9])(?=.*[A-Z])(?=.*[a-z])[A-Za-z0-9/+]{40}")
_WORDY = 0.6


def _is_path(value: bytes) -> bool:
    """Whether a value is the path of the file that holds the secret."""
    if (b"/" not in value and b"\\" not in value and value[:1] != b".") or _AWS_SECRET.fullmatch(value):
        return False
    return share_of_words(value) >= (0.4 if _DIRECTORY.match(value) else 0.6)


def _is_chosen(value: bytes, place: Place) -> bool:
    """Whether a password's value can be one, as people choose them or programs draw them."""
    if place is Place.DATA:
        return len(value) >= 4 and not _is_label(value)
    if place is Place.LOOSE:
        return is_random(value) or (is_password(value) and not value.isupper())
    if _PHRASE.fullmatch(value):
        return True
    return len(value) >= 6 and not _is_plain(value) and (is_password(value) or _is_odd(value))


def _is_issued(value: bytes, place: Place) -> bool:
    """Whether a token's or a key's value can be one: it is drawn, so it reads like no word."""
    if place is Place.LOOSE:
        return is_random(value, 10)
    if is_random(value, 8) or _AWS_SECRET.fullmatch(value):
        return True
    if place is not Place.DATA and (_is_plain(value) or (value.islower() and len(value) < 12)):
        return False
    return len(value) >= 8 and _is_odd(value)


def _is_odd(value: bytes) -> bool:
    """Whether most of a value cannot be said, and it is no number either."""
    return _LETTERS.search(value) is not None and share_of_words(value) < 0.5 and len(set(value)) >= 6


_NAMING = re.compile(
    rb"(?i)password|passwd|pass[_-]?phrase|pwd|secret|token|credential|(?:\b|_|api)key|(?:\b|_)(?:auth|login)(?:\b|_)|pass\Z"
)
_DOTTED = re.compile(rb"[A-Za-z_$][A-Za-z0-9_$]*(?:[.:>/-]+[A-Za-z_$][A-Za-z0-9_$]*)*[!?:.]*")


def _is_label(value: bytes) -> bool:
    """Whether a value in quotes speaks of a secret instead of being one: `user.password`, `RESET_PASSWORD`."""
    if not _LETTERS.search(value):
        return len(value) < 6 or not value.isascii()
    if len(_DIGITS.findall(value)) > 1 or not _DOTTED.fullmatch(value):
        return False
    return _NAMING.search(value) is not None and share_of_words(value) >= _WORDY


def _is_plain(value: bytes) -> bool:
    """Whether a value without quotes reads like a name: words, at most one number of one digit in them."""
    digits = sum(map(len, _DIGITS.findall(value)))
    if not _DOTTED.fullmatch(value) or digits > 1:
        return not _LETTERS.search(value)
    if not digits and _NAMING.search(value):
        return True
    letters = len(_LETTERS.findall(value))
    return share_of_words(value) * len(value) >= _WORDY * max(1, letters)
