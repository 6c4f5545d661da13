"""Nothing from outside reaches these tests."""

from tests.models.conftest import nothing_from_outside

__all__ = ["nothing_from_outside"]
