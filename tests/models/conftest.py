"""No settings, keys or proxies from outside reach these tests, and no certificates, which take long to read."""

import os
from pathlib import Path

import pytest

from tests.models.made_up import KEY, KEY_NAME

FROM_OUTSIDE = ("ANTHROPIC_", "AWS_", "GOOGLE_", "CLOUD_ML_", "SSL_CERT_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(FROM_OUTSIDE) or name.upper() in PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv(KEY_NAME, KEY)
