"""MB/s of redaction on one core, beside stdlib `re` with the same gates and detect-secrets on every line, in one run.

python -m benchmarks.redaction [FOLDER_OF_JSONL] [MEGABYTES]     (from the project's folder)

Without a folder the texts are made from the project's own sources and documents with planted secrets between them. The
alternatives run on the first megabytes only (the figure in their row), and every one runs three times; the best counts.
"""

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from nextstep.sources.redaction import Redactor
from nextstep.sources.redaction.gate import RULES
from tests.sources.planted import planted

ROOT = Path(__file__).parents[1]
PLUGINS = {
    "artifactory": "ArtifactoryDetector",
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "basic_auth": "BasicAuthDetector",
    "cloudant": "CloudantDetector",
    "discord": "DiscordBotTokenDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "ibm_cloud_iam": "IbmCloudIamDetector",
    "ibm_cos_hmac": "IbmCosHmacDetector",
    "jwt": "JwtTokenDetector",
    "keyword": "KeywordDetector",
    "mailchimp": "MailchimpDetector",
    "npm": "NpmDetector",
    "openai": "OpenAIDetector",
    "private_key": "PrivateKeyDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "softlayer": "SoftlayerDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}
"""The plugins of detect-secrets that match by expression; those that measure entropy are off."""


def strings(value: object) -> Iterator[str]:
    """Every string of 40 characters or more inside a JSON value."""
    if isinstance(value, str) and len(value) >= 40:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def recorded(folder: Path) -> Iterator[str]:
    """The texts of the transcripts in a folder."""
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text(errors="replace").splitlines():
            try:
                yield from strings(json.loads(line))
            except ValueError:
                continue


def made() -> Iterator[str]:
    """The project's own files, a planted secret after every twentieth."""
    secrets = planted(1)
    files = [path for folder in ("src", "tests", "docs") for path in (ROOT / folder).rglob("*.[pm][yd]")]
    for number, path in enumerate(files):
        yield path.read_text()
        if number % 20 == 0:
            yield next(secrets).text


def some(texts: list[str], size: int) -> list[str]:
    """Texts of about so many characters: the first ones, over again where there are too few."""
    taken: list[str] = []
    while size > 0:
        for text in texts:
            taken.append(text)
            size -= len(text)
            if size <= 0:
                break
    return taken


def ours(texts: list[str]) -> None:
    redactor = Redactor()
    for _ in redactor.redact_all(texts):
        pass


def stdlib(texts: list[str]) -> None:
    gate = re.compile(b"|".join(rule.gate.replace(b"\\z", b"\\Z") for rule in RULES))
    for text in texts:
        for _ in gate.finditer(text.encode("utf-8", "surrogatepass")):
            pass


def library(texts: list[str]) -> None:
    plugins = [getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in PLUGINS.items()]
    for text in texts:
        for line in text.splitlines():
            for plugin in plugins:
                for _ in plugin.analyze_string(line):
                    pass


def best(work: Callable[[list[str]], None], texts: list[str]) -> float:
    """MB/s of the best of three runs, in processor time."""
    megabytes = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6
    times = []
    for _ in range(3):
        started = time.process_time()
        work(texts)
        times.append(time.process_time() - started)
    return megabytes / min(times)


def main() -> None:
    texts = list(recorded(Path(sys.argv[1])) if len(sys.argv) > 1 else made())
    size = int(float(sys.argv[2]) * 1e6) if len(sys.argv) > 2 else 20_000_000
    rows = [
        ("nextstep", ours, size),
        ("its gates in stdlib re, nothing looked at closely", stdlib, size // 40),
        (f"detect-secrets, {len(PLUGINS)} plugins on every line", library, size // 40),
    ]
    base = None
    for name, work, wanted in rows:
        chosen = some(texts, wanted)
        speed = best(work, chosen)
        base = base or speed
        print(f"{name:<50} {speed:8.2f} MB/s  {speed / base:6.3f} x  ({sum(map(len, chosen)) / 1e6:.1f} M characters)")


if __name__ == "__main__":
    main()
