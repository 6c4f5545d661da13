"""Settings for all tests. NEXTSTEP_EXAMPLES=500 looks longer where a law does not say for itself how long to look."""

import os

from hypothesis import settings

EXAMPLES = 50
"""Of each law in a usual run, which is to take minutes."""

settings.register_profile("nextstep", deadline=None, max_examples=int(os.environ.get("NEXTSTEP_EXAMPLES", EXAMPLES)))
settings.load_profile("nextstep")
