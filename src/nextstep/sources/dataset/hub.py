"""The Hub's door: a dataset's files at a pinned commit, and the upload of an exported folder.

The token is found by the Hub's own library (HF_TOKEN, or what `hf auth login` stored) and sent to nobody else.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextstep.core.places import SCHEME, HubPlace
from nextstep.errors import NextstepError, SuiteError, UsageError
from nextstep.sources.dataset.files import DatasetFiles, choose_files

if TYPE_CHECKING:
    from huggingface_hub import DatasetInfo, HfApi

TIMEOUT_S = 10
EXPORTED = ("README.md", "sessions/*.parquet", "moments/*.parquet")


@contextmanager
def library(place: str, *, bars: bool = False) -> Iterator[None]:
    """The datasets and Hub libraries, silent and giving up soon; their errors become a SuiteError about `place`.

    Without this the library prints, and tries a broken connection again for minutes.
    """
    import datasets
    import httpx2
    import pyarrow as pa

    failures = (OSError, ValueError, TypeError, KeyError, AttributeError, pa.ArrowException, httpx2.HTTPError)
    with _settings(datasets.config, _IMPATIENT), _silent(bars):
        try:
            yield
        except failures as error:
            raise SuiteError([f"{place}: {_told(error)}"]) from error


_IMPATIENT = {
    "STREAMING_READ_MAX_RETRIES": 2,
    "STREAMING_READ_RETRY_INTERVAL": 1,
    "STREAMING_READ_SERVER_UNAVAILABLE_RETRY_INTERVAL": 1,
    "STREAMING_READ_RATE_LIMIT_RETRY_INTERVAL": 1,
    "STREAMING_OPEN_MAX_RETRIES": 2,
    "STREAMING_OPEN_RETRY_INTERVAL": 1,
}


@contextmanager
def _settings(module: Any, values: Mapping[str, object]) -> Iterator[None]:
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@contextmanager
def _silent(bars: bool) -> Iterator[None]:
    """Neither bars nor log lines from the libraries, and afterwards as before."""
    import datasets
    import huggingface_hub

    switches = [] if bars else [datasets, huggingface_hub.utils]
    shown = [each for each in switches if not each.are_progress_bars_disabled()]
    logs = [datasets.logging, huggingface_hub.logging]
    levels = [log.get_verbosity() for log in logs]
    for each in shown:
        each.disable_progress_bars()
    for log in logs:
        log.set_verbosity(log.CRITICAL)
    try:
        yield
    finally:
        for each in shown:
            each.enable_progress_bars()
        for log, level in zip(logs, levels, strict=True):
            log.set_verbosity(level)


def _told(error: Exception) -> str:
    """An error of a library in our words, without the token."""
    import httpx2
    from huggingface_hub import errors

    cases: list[tuple[type[Exception], str]] = [
        (errors.OfflineModeIsEnabled, "the Hub is switched off by HF_HUB_OFFLINE; give the folder of a copy instead"),
        (errors.GatedRepoError, "is open only on request; ask on its page, and set HF_TOKEN"),
        (errors.RepositoryNotFoundError, "is not on the Hub, or is private and HF_TOKEN may not see it"),
        (errors.RevisionNotFoundError, "has no such commit or tag"),
        (errors.HfHubHTTPError, "the Hub refused"),
        (httpx2.InvalidURL, "HF_ENDPOINT is no address"),
        (
            httpx2.HTTPError,
            "the Hub cannot be reached; check the network and HF_ENDPOINT, or give the folder of a copy",
        ),
    ]
    said = next((text for kind, text in cases if isinstance(error, kind)), "cannot be read as a dataset")
    lines = str(error).strip().splitlines()
    return _without_token(f"{said} ({lines[0] if lines else type(error).__name__:.200})")


def _without_token(text: str) -> str:
    from huggingface_hub import get_token

    token = get_token()
    return re.sub(r"hf_\w+", "***", text.replace(token, "***") if token else text)


def hub_files(place: HubPlace) -> DatasetFiles:
    """The Parquet files of a dataset on the Hub, at the commit that the revision means.

    Raises SuiteError for a branch, which moves: what was measured on it could not be measured again.
    """
    from huggingface_hub import HfApi

    with library(str(place)):
        api = HfApi()
        info = api.dataset_info(place.repository, revision=place.revision, timeout=TIMEOUT_S)
        moving = _moving(api, place)
    if moving:
        raise SuiteError([f"{place}: {moving}"])
    root = f"{SCHEME}datasets/{place.repository}@{info.sha}"
    return choose_files(str(place), root, [file.rfilename for file in info.siblings or ()])


def _moving(api: "HfApi", place: HubPlace) -> str | None:
    """What to do about a revision that is neither a commit nor a tag, None for those."""
    if re.fullmatch(r"[0-9a-f]{40}", place.revision):
        return None
    refs = api.list_repo_refs(place.repository, repo_type="dataset")
    if any(tag.name == place.revision for tag in refs.tags):
        return None
    branches = {branch.name: branch.target_commit for branch in refs.branches}
    if commit := branches.get(place.revision):
        return f"{place.revision} is a branch, which moves; its commit of now is {place._replace(revision=commit)}"
    return "a short or unusual revision; give the commit's 40 digits or a tag"


def visibility(repository: str) -> str | None:
    """Whether a dataset on the Hub is `private` or `public`; None when there is none yet."""
    with library(SCHEME + repository):
        found = _look_up(repository)
    return None if found is None else "private" if found.private else "public"


def _look_up(repository: str) -> "DatasetInfo | None":
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        return HfApi().dataset_info(repository, timeout=TIMEOUT_S)
    except GatedRepoError:
        raise
    except RepositoryNotFoundError:
        return None


def push_folder(folder: Path, repository: str, message: str, *, public: bool, quiet: bool) -> HubPlace:
    """Upload an exported folder's files in one commit; gives the place to name in `suite:`.

    A new dataset is private unless `public`. One that is there keeps its visibility, which must be the one asked for.
    """
    from huggingface_hub import HfApi

    wanted = "public" if public else "private"
    there = visibility(repository)
    if there not in (None, wanted):
        more = "give --public if the suite may be read by all" if there == "public" else "leave out --public"
        raise UsageError(f"{SCHEME}{repository} is {there} on the Hub, and this push is to be {wanted}; {more}")
    with _push_errors(), library(SCHEME + repository, bars=sys.stderr.isatty() and not quiet):
        api = HfApi()
        if there is None:
            api.create_repo(repository, repo_type="dataset", private=not public)
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            repo_type="dataset",
            commit_message=message,
            allow_patterns=list(EXPORTED),
            delete_patterns=list(EXPORTED[1:]),
        )
    return HubPlace(repository, commit.oid)


@contextmanager
def _push_errors() -> Iterator[None]:
    """What went wrong with an upload is no fault of the suite."""
    try:
        yield
    except SuiteError as error:
        raise NextstepError(f"the push did not succeed: {error.problems[0]}") from error
