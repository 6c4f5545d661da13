"""Settings for all tests."""

from hypothesis import settings

settings.register_profile("nextstep", deadline=None)
settings.load_profile("nextstep")
