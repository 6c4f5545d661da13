"""One made world for all tests of it."""

import pytest

from tests.simulated.worlds import Pair, World, pairs


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A small one."""
    return World(tmp_path_factory.mktemp("world"), 24, 8)


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> World:
    """One of the usual size."""
    return World(tmp_path_factory.mktemp("whole"), 200, 60)


@pytest.fixture(scope="package")
def all_pairs(world: World) -> list[Pair]:
    """Every pair of the small one."""
    return list(pairs(world))
