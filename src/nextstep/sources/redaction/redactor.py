"""The redactor of one session: texts in, in order; texts without secrets out."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import TypeVar

from nextstep.errors import RedactionError
from nextstep.sources.redaction.found import OPENING, PLACEHOLDER, USER, Found
from nextstep.sources.redaction.gate import Marks, finders
from nextstep.sources.redaction.known import Known
from nextstep.sources.redaction.places import is_told
from nextstep.sources.redaction.values import is_strong

ENCODING = ("utf-8", "surrogatepass")
AT_ONCE = 100_000
"""Characters of texts that are searched as one, about."""
TEXT_SIZE = 100
"""What a text counts for beside its characters: there may be many empty ones."""

T = TypeVar("T")


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
        return next(self.redact_all([text]))

    def redact_all(self, texts: Iterable[str]) -> Iterator[str]:
        """What `redact` makes of each text, much faster. Takes in some texts more than it has given back."""
        for some in _batches(texts):
            redacted = self._redacted(some)
            for _ in some:
                yield _closed(next, redacted)

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

    def _redacted(self, texts: list[str]) -> Iterator[str]:
        encoded = [text.encode(*ENCODING) for text in texts]
        marks = Marks(encoded)
        for text, data in zip(texts, encoded, strict=True):
            places = marks.within(len(data))
            found = self._find(data, places) if places else None
            out = self._replaced(data, found) if found else data
            if again := self._known.find(out):
                out = self._replaced(out, again)
            yield text if out is data or out == data else out.decode(*ENCODING)

    def _swept(self, text: str) -> str:
        data = text.encode(*ENCODING)
        found = self._known.find(data)
        return self._replaced(data, found).decode(*ENCODING) if found else text

    def _find(self, data: bytes, places: Iterable[int]) -> list[Found]:
        """The secrets from left to right, none over another. `places` are those at which a rule has to look."""
        found: list[Found] = []
        waiting: list[Found] = []
        done = 0
        table = finders()
        for start in places:
            while waiting and waiting[0].start <= start:
                done = _keep(data, waiting.pop(0), done, found)
            if start < done:
                continue
            if data.startswith(OPENING, start):
                done = self._take(data, start)
            else:
                for find in table[data[start]]:
                    if spans := find(data, start):
                        for span in spans:
                            # a rule may reach back before its hit, and keeps what is left there, unless that is nothing
                            if not span.start < done == start:
                                insort(waiting, span, key=_START)
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
            elif kind == USER and not self._known.has_name(value) and is_told(data, start):
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


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in lists of about AT_ONCE characters."""
    batch: list[str] = []
    left = AT_ONCE
    for text in texts:
        batch.append(text)
        left -= len(text) + TEXT_SIZE
        if left < 0:
            yield batch
            batch, left = [], AT_ONCE
    if batch:
        yield batch


def _closed(change: Callable[..., T], *given: object) -> T:
    """What the function makes of a text or an error, never the text as it was after a failure."""
    try:
        return change(*given)
    except Exception as error:  # whatever it is: a text that was not searched must not pass
        failure = type(error).__name__
    raise RedactionError(
        f"a text could not be searched for secrets ({failure}); nothing of this transcript was imported."
        " Leave the file out, or import it with --no-redact if it holds no secret"
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
    found.append(span._replace(start=start, end=end) if (start, end) != span[:2] else span)
    return end


def _plain(kind: str, value: bytes) -> bytes:
    """What makes two values the same secret: a key block is the same on many lines and escaped on one."""
    if kind != "private-key":
        return value
    return value.replace(b"\\n", b"").replace(b"\\r", b"").replace(b"\\", b"").translate(None, b" \t\r\n\"'+,")
