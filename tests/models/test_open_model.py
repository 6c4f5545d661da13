"""A model's name says where it is; what cannot be opened says why."""

import asyncio
import subprocess
import sys
from types import ModuleType, SimpleNamespace

import anthropic
import pytest

from nextstep.config import Endpoint, Limits
from nextstep.errors import UsageError
from nextstep.models import is_offline, open_model
from nextstep.models.messages_api import MessagesModel
from nextstep.models.offline import CANDIDATES, JUDGE, MODELS, OfflineModel
from nextstep.pipeline.prompting import OFFLINE_SCRIBE
from tests.models.made_up import KEY, KEY_NAME

LOCAL = Endpoint(base_url="http://127.0.0.1:9/models", api_key_env=KEY_NAME)
ENDPOINTS = {"local": LOCAL, "bare": Endpoint(base_url="http://127.0.0.1:9")}


def opened(name: str) -> MessagesModel:
    model = open_model(name, ENDPOINTS, Limits())
    assert isinstance(model, MessagesModel)
    assert model.client.max_retries == 0
    return model


def refused(name: str, endpoints: dict[str, Endpoint] = ENDPOINTS) -> str:
    with pytest.raises(UsageError) as caught:
        open_model(name, endpoints, Limits())
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("name", [*CANDIDATES, JUDGE])
def test_an_offline_model_is_opened_by_its_name(name: str) -> None:
    model = open_model(name, {}, Limits())
    assert isinstance(model, OfflineModel)
    assert model.compute is MODELS[name.removeprefix("offline/")]


def test_every_offline_model_is_a_candidate_the_judge_or_the_scribe() -> None:
    assert {f"offline/{name}" for name in MODELS} == {*CANDIDATES, JUDGE, OFFLINE_SCRIBE}


@pytest.mark.parametrize("name", ["offline/", "offline/none", "offline/Stock", "offline/continue/2"])
def test_an_unknown_offline_model_names_those_that_there_are(name: str) -> None:
    said = refused(name)
    assert name in said
    assert all(each in said for each in (*CANDIDATES, JUDGE))


def test_a_bare_name_is_anthropics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    model = opened("claude-opus-5-5")
    assert model.client.base_url == "https://api.anthropic.com"
    assert model.client.api_key == KEY


def test_a_model_may_be_called_like_an_endpoint() -> None:
    assert opened("local").client.base_url == "https://api.anthropic.com"


def test_a_model_can_be_opened_before_there_is_a_key() -> None:
    assert opened("claude-opus-5-5").client.api_key is None


def test_a_name_with_an_endpoint_is_that_endpoints() -> None:
    model = opened("local/qwen/3")
    assert str(model.client.base_url).rstrip("/") == LOCAL.base_url
    assert model.client.api_key == KEY
    assert opened("bare/qwen").client.api_key == "none"


@pytest.mark.parametrize("value", [None, ""])
def test_an_endpoints_key_that_is_not_set_is_told_by_its_variable(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv(KEY_NAME)
    else:
        monkeypatch.setenv(KEY_NAME, value)
    assert KEY_NAME in refused("local/qwen")


@pytest.mark.parametrize("name", ["remote/qwen", "/qwen", "Local/qwen", "anthropic/claude-opus-5-5"])
def test_an_unknown_endpoint_names_those_that_there_are(name: str) -> None:
    said = refused(name)
    assert repr(name) in said
    assert "bare, local" in said
    assert "names: none" in refused(name, {})


@pytest.mark.parametrize("name", ["local/", "remote/", "bedrock/", "vertex/", "/"])
def test_an_endpoint_without_a_model_is_refused(name: str) -> None:
    assert "names no model" in refused(name)


@pytest.mark.parametrize(("cloud", "library"), [("bedrock", "boto3"), ("vertex", "google.auth")])
def test_a_cloud_without_its_library_says_how_to_install_it(
    cloud: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "nowhere")
    monkeypatch.setenv("CLOUD_ML_REGION", "nowhere")
    monkeypatch.setitem(sys.modules, library.partition(".")[0], None)
    assert f"pip install 'nextstep[{cloud}]'" in refused(f"{cloud}/claude-opus-5-5")


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clouds' libraries, as far as importing them goes."""
    for name in ("boto3", "google", "google.auth"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    no_settings = SimpleNamespace(region_name=None)
    monkeypatch.setattr(sys.modules["boto3"], "Session", lambda profile_name: no_settings, raising=False)


CLIENTS = {"bedrock": anthropic.AsyncAnthropicBedrock, "vertex": anthropic.AsyncAnthropicVertex}


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("cloud", CLIENTS)
def test_a_cloud_is_reached_through_the_sdks_own_client(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "nowhere")
    monkeypatch.setenv("CLOUD_ML_REGION", "nowhere")
    model = opened(f"{cloud}/claude-opus-5-5")
    assert isinstance(model.client, CLIENTS[cloud])
    said = asyncio.run(model.look_up(f"{cloud}/claude-opus-5-5"))
    assert "nowhere" in said
    assert "only a call can tell" in said


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("cloud", CLIENTS)
def test_a_cloud_without_a_region_is_refused(cloud: str) -> None:
    said = refused(f"{cloud}/claude-opus-5-5")
    assert f"{cloud}/... cannot be used" in said
    assert "region" in said


def test_a_profile_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_PROFILE", "nobody")
    assert "nobody" in refused("claude-opus-5-5")


def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:port")
    assert "port" in refused("claude-opus-5-5")


@pytest.mark.parametrize(
    ("name", "offline"),
    [("offline/stock", True), ("offline/", True), ("offline", False), ("local/offline/x", False), ("", False)],
)
def test_only_what_stands_behind_offline_is_offline(name: str, offline: bool) -> None:
    assert is_offline(name) is offline


HEAVY = ("anthropic", "httpx2", "bm25s", "numpy", "genai_prices", "tenacity")


@pytest.mark.parametrize(
    "work",
    [
        "import nextstep.models, nextstep.config",
        "import nextstep.models.base, nextstep.models.prices, nextstep.models.offline, nextstep.models.scripted",
        "from nextstep import config, models; models.open_model('offline/stock', {}, config.Limits())",
    ],
)
def test_no_heavy_library_is_imported_before_it_is_needed(work: str) -> None:
    program = f"{work}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
