"""Secrets that detect-secrets knows: its plugins, each asked only about the lines where its words stand."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import NamedTuple, Protocol

from nextstep.sources.redaction.found import Finder, Found, Rule, begins_word, line_around
from nextstep.sources.redaction.values import is_password, is_stand_in

REACH = 160
"""Bytes of the line each way that a plugin sees: its expressions are not linear, so no long text reaches them."""


class Detector(Protocol):
    """What is used of a plugin: it reads a string; no file, no settings, no network."""

    def analyze_string(self, string: str) -> Iterator[str]:
        """The secrets in a line."""
        ...


class Plugin(NamedTuple):
    """A plugin of detect-secrets, and the words that send a line to it (`gate` begins with one of `starts`)."""

    kind: str
    module: str
    name: str
    gate: bytes
    starts: bytes
    before: int = 0
    """Letters and digits that must stand before the gate."""


PLUGINS = (
    Plugin("artifactory-token", "artifactory", "ArtifactoryDetector", rb"AKC[a-zA-Z0-9]{10}", b"A"),
    Plugin("cloudant-key", "cloudant", "CloudantDetector", rb"(?i:cloudant)", b"cC"),
    Plugin("discord-token", "discord", "DiscordBotTokenDetector", rb"\.[\w-]{6}\.[\w-]{27}", b"."),
    Plugin("ibm-cloud-key", "ibm_cloud_iam", "IbmCloudIamDetector", rb"(?i:ibm[\w-]{0,16}key)", b"iI"),
    Plugin("ibm-cos-key", "ibm_cos_hmac", "IbmCosHmacDetector", rb"(?i:(?:cos|ibm)[\w-]{0,16}secret)", b"cCiI"),
    Plugin("mailchimp-key", "mailchimp", "MailchimpDetector", rb"-us[0-9]", b"-", 32),
    Plugin("softlayer-key", "softlayer", "SoftlayerDetector", rb"(?i:softlayer)", b"sS"),
    Plugin("square-token", "square_oauth", "SquareOAuthDetector", rb"sq0csp-", b"s"),
)


@cache
def _detector(module: str, name: str) -> Detector:
    """A plugin made ready; the package is imported when a text first needs it."""
    made: Detector = getattr(import_module(f"detect_secrets.plugins.{module}"), name)()
    return made


def _asking(plugin: Plugin) -> Finder:
    """The rule's function: what the plugin says about the line round a place."""
    gate = re.compile(plugin.gate)

    def find(data: bytes, start: int) -> tuple[Found, ...]:
        if not gate.match(data, start) or (plugin.before and not data[max(0, start - plugin.before) : start].isalnum()):
            return ()
        first, last = line_around(data, start, REACH)
        line = data[first:last]
        told = _detector(plugin.module, plugin.name).analyze_string(line.decode("ascii", "replace"))
        values = {value.encode().strip(b" \t\"'=:") for value in told if value.isascii()}
        places = (
            (first + match.start(), first + match.end())
            for value in values
            if is_password(value) and not is_stand_in(value)
            for match in re.finditer(re.escape(value), line)
        )
        return tuple(
            Found(*place, plugin.kind, by_context=True) for place in sorted(places) if begins_word(data, place[0])
        )

    return find


RULES = tuple(Rule(plugin.gate, plugin.starts, _asking(plugin)) for plugin in PLUGINS)
