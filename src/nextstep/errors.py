"""The error tree: every error that nextstep raises on purpose, and the exit code each one means.

    NextstepError                 exit 2 unless a branch says otherwise
    ├── UsageError                a flag, an argument or a name that is not there
    ├── ConfigError               evals.yaml: all problems at once
    ├── PromptError               a prompt file that cannot be filled
    ├── SuiteError                transcripts/: all problems at once, with file and line
    ├── TranscriptError           a transcript that another tool wrote and we cannot read
    │   ├── EmptyTranscript       one that can be read and holds no message
    │   ├── UnknownFormat         a file that no reader recognises
    │   └── RedactionError        a text in which secrets could not be looked for
    ├── StoreError                the DuckDB file
    │   ├── StoreBusy             another process holds it
    │   ├── StoreTooNew           written by a later nextstep
    │   └── StoreFull             the disk took no more
    ├── ModelError                a call that gave no answer; the work becomes a failure row     exit 4
    │   └── FatalModelError       no call of this model can succeed (key, name, billing, network)   exit 2 or 4
    ├── UnreadableReply           an answer was paid for and holds no step or no verdict         exit 4
    └── BudgetReached             --max-cost                                                     exit 5

Every message says what is wrong, where, and what to do about it.
"""

from collections.abc import Sequence
from typing import Self


class NextstepError(Exception):
    """Base of every error that is told to the user without a traceback."""

    exit_code = 2


class UsageError(NextstepError):
    """A flag, an argument or a name that does not fit."""


class ProblemsError(NextstepError):
    """Several problems in files, told together; `problems` has one `file:line: text` each."""

    heading = "problems"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([self.heading, *(f"  {problem}" for problem in problems)]))

    def __reduce__(self) -> tuple[type[Self], tuple[tuple[str, ...]]]:
        """How it comes back from another process."""
        return type(self), (self.problems,)


class ConfigError(ProblemsError):
    """evals.yaml cannot be used; lists every problem."""

    heading = "the config cannot be used:"


class SuiteError(ProblemsError):
    """A suite folder cannot be used; lists every problem."""

    heading = "the suite cannot be used:"


class PromptError(NextstepError):
    """A prompt file has an unknown or missing placeholder, or no usable block."""


class TranscriptError(NextstepError):
    """A transcript cannot be read at all."""


class EmptyTranscript(TranscriptError):
    """A transcript without a single message, such as a file of titles: nothing to import, and nothing wrong."""


class UnknownFormat(TranscriptError):
    """A file that looks like no format of transcripts."""


class RedactionError(TranscriptError):
    """A text could not be searched for secrets, so nothing of its transcript is stored."""


class StoreError(NextstepError):
    """The store cannot be opened, read or written."""


class StoreBusy(StoreError):
    """Another process holds the store's lock, and went on holding it."""


class StoreTooNew(StoreError):
    """The store was migrated by a later nextstep than this one."""


class StoreFull(StoreError):
    """The disk is full: nothing of the last transaction was kept."""


class ModelError(NextstepError):
    """A call that gave no answer. `kind` is the failure's name in the store; `attempts` counts the tries."""

    exit_code = 4

    def __init__(self, kind: str, message: str, *, attempts: int = 1) -> None:
        self.kind = kind
        self.attempts = attempts
        super().__init__(message)


class FatalModelError(ModelError):
    """No call of this model can succeed until something outside changes: the run stops.

    Exit 2 where the user's settings are at fault, 4 where the network or the account is. `stops_run` says that other
    models cannot answer either.
    """

    def __init__(
        self, kind: str, message: str, *, attempts: int = 1, exit_code: int = 2, stops_run: bool = False
    ) -> None:
        super().__init__(kind, message, attempts=attempts)
        self.exit_code = exit_code
        self.stops_run = stops_run


class UnreadableReply(NextstepError):
    """An answer without a usable step or verdict. `kind` is the failure's name in the store."""

    exit_code = 4

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


class BudgetReached(NextstepError):
    """The run's spend reached its limit; what was answered is stored."""

    exit_code = 5
