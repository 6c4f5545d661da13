"""Nothing from outside reaches these tests; what a run without batches ends in is worked out once."""

import os

import pytest

from tests.batching.world import Place, answer
from tests.loopback import LoopbackServer
from tests.models.conftest import nothing_from_outside
from tests.models.made_up import KEY, KEY_NAME

__all__ = ["nothing_from_outside"]


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What a run without batches leaves in the store."""
    with pytest.MonkeyPatch.context() as patch, LoopbackServer(answer) as server:
        patch.setenv(KEY_NAME, KEY)
        for name in [name for name in os.environ if name.upper().endswith("_PROXY")]:
            patch.delenv(name)
        place = Place(tmp_path_factory.mktemp("plain"), server.base_url)
        place.run(None)
        return place.final()
