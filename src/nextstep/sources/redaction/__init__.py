"""Texts of a session with their secrets replaced, before anything is stored or sent."""

from nextstep.sources.redaction.redactor import Redactor

__all__ = ["Redactor"]
