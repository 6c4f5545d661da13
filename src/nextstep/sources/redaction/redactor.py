"""The redactor of one session: texts in, in order; texts without secrets out."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING

from nextstep.errors import RedactionError
from nextstep.sources.redaction import assigned, carried, library, places, shapes
from nextstep.sources.redaction.found import OPENING, PLACEHOLDER, USER, Finder, Found, Rule
from nextstep.sources.redaction.known import Known
from nextstep.sources.redaction.places import is_told
from nextstep.sources.redaction.values import is_strong

if TYPE_CHECKING:
    import re2  # type: ignore[import-untyped]

ENCODING = ("utf-8", "surrogatepass")
GATE_MEMORY = 64 << 20
"""Bytes that RE2 may use for its automaton: with its own 8 MB it would fall back to a slower one on odd texts."""


class Redactor:
    """Replaces secrets in the texts of one session, given in order; equal secrets become equal placeholders.

    What a text becomes depends on itself and the texts before it, never on later ones. `counts` has the places replaced
    of each kind. The values themselves stay inside: they are in no repr and no error, and a redactor cannot be pickled.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._names: dict[tuple[bool, bytes], bytes] = {}
        self._numbers: Counter[str] = Counter()
        self._taken: set[bytes] = set()
        self._known = Known()

    def redact(self, text: str) -> str:
        """The text with every secret replaced; the same object if there is none.

        Raises RedactionError, which does not quote the text, if anything at all goes wrong.
        """
        return _closed(self._redacted, text)

    def sweep(self, text: str) -> str:
        """The text with every value replaced that a text's surroundings have told so far, and nothing else replaced.

        For texts that came before the one that told it.
        """
        return _closed(self._swept, text)

    @property
    def needs_sweep(self) -> bool:
        """Whether a secret was told by its surroundings, so that an earlier text may hold it in clear.

        A user's name, told by a home path, is none: going over a session again would cost more than it hides.
        """
        return self._known.has_secrets

    def _redacted(self, text: str) -> str:
        data = out = text.encode(*ENCODING)
        if found := self._find(data):
            out = self._replaced(data, found)
        if again := self._known.find(out):
            out = self._replaced(out, again)
        return text if out is data or out == data else out.decode(*ENCODING)

    def _swept(self, text: str) -> str:
        data = text.encode(*ENCODING)
        found = self._known.find(data)
        return self._replaced(data, found).decode(*ENCODING) if found else text

    def _find(self, data: bytes) -> list[Found]:
        """The secrets' places from left to right, none over another."""
        found: list[Found] = []
        waiting: list[Found] = []
        done = at = 0
        gate, table = _gate(), _table()
        while hit := gate.search(data, at):
            start = hit.start()
            at = start + 1  # not the hit's end: another gate may begin inside it
            while waiting and waiting[0].start <= start:
                done = _keep(data, waiting.pop(0), done, found)
            if start < done:
                at = done
            elif data.startswith(OPENING, start):
                done = self._take(data, start)
            else:
                for find in table[data[start]]:
                    if spans := find(data, start):
                        # a rule may reach back before its hit, and keeps what is left there, unless that is nothing
                        waiting += (span for span in spans if not span.start < done == start)
                        waiting.sort(key=_START)
                        break
        for span in waiting:
            done = _keep(data, span, done, found)
        return found

    def _take(self, data: bytes, start: int) -> int:
        """Where a placeholder that stands in the text already ends; its number is not given to another secret."""
        match = PLACEHOLDER.match(data, start)
        if not match:
            return start
        self._taken.add(match.group())
        return match.end()

    def _replaced(self, data: bytes, found: list[Found]) -> bytes:
        pieces: list[bytes] = []
        done = 0
        for start, end, kind, by_context in found:
            value = data[start:end]
            pieces += data[done:start], self._placeholder(kind, value)
            done = end
            self.counts[kind] += 1
            if by_context and is_strong(value):
                self._known.add(value, kind)
            elif kind == USER and is_told(data, start):
                self._known.add_name(value)
        pieces.append(data[done:])
        return b"".join(pieces)

    def _placeholder(self, kind: str, value: bytes) -> bytes:
        """The one placeholder of a value in this session."""
        key = (kind == USER, _plain(kind, value))
        if key not in self._names:
            self._names[key] = self._new(kind)
        return self._names[key]

    def _new(self, kind: str) -> bytes:
        while True:
            self._numbers[kind] += 1
            name = b"[redacted-%s-%d]" % (kind.encode(), self._numbers[kind])
            if name not in self._taken:
                return name

    def __repr__(self) -> str:
        return f"<Redactor: {self.counts.total()} places replaced>"

    def __getstate__(self) -> object:
        raise TypeError("a Redactor holds secrets and is not pickled; make one in the process that reads the session")


def _closed(change: Callable[[str], str], text: str) -> str:
    """The changed text or an error, never the text as it was after a failure."""
    try:
        return change(text)
    except Exception as error:  # whatever it is: a text that was not searched must not pass
        failure = type(error).__name__
    raise RedactionError(
        f"a text of {len(text)} characters could not be searched for secrets ({failure}); nothing of this"
        " transcript was imported. Leave the file out, or import it with --no-redact if it holds no secret"
    )


_START = itemgetter(0)


def _keep(data: bytes, span: Found, done: int, found: list[Found]) -> int:
    """Where the places end after this one has been added, or what is left of it behind those before.

    A value that a placeholder follows was cut off by an earlier redaction, which left it on purpose.
    """
    start, end = max(span.start, done), span.end
    while end < len(data) and data[end] & 0xC0 == 0x80:  # never half a character
        end += 1
    if end <= done or data.startswith(OPENING, end):
        return done
    found.append(Found(start, end, span.kind, span.by_context))
    return end


def _plain(kind: str, value: bytes) -> bytes:
    """What makes two values the same secret: a key block is the same on many lines and escaped on one."""
    if kind != "private-key":
        return value
    return value.replace(b"\\n", b"").replace(b"\\r", b"").replace(b"\\", b"").translate(None, b" \t\r\n\"'+,")


RULES: tuple[Rule, ...] = (
    *places.RULES,
    *carried.RULES,
    *shapes.RULES,
    *assigned.RULES,
    *library.RULES,
)


@cache
def _gate() -> "re2._Regexp":
    """One linear-time expression that marks every place at which a rule has to look."""
    import re2

    options = re2.Options()
    options.max_mem = GATE_MEMORY
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    return re2.compile(b"|".join([rb"\[redacted-", *(rule.gate for rule in RULES)]), options)


@cache
def _table() -> tuple[tuple[Finder, ...], ...]:
    """For each byte, the functions of the rules whose gates begin with it."""
    return tuple(
        tuple(rule.find for rule in RULES if bytes([first]) in rule.starts + rule.starts.swapcase())
        for first in range(256)
    )
