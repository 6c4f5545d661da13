"""A server on this machine that plays the Hub's endpoints for datasets: look up, list, read, create, commit."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "hf_" + "made" * 6
API = re.compile(r"/api/datasets/(?P<repo>[^/]+/[^/]+)(?:/(?P<verb>[^/]+))?(?:/(?P<revision>[^/]+))?(?:/(?P<path>.*))?")
RESOLVE = re.compile(r"/datasets/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")

Files = dict[str, bytes]


@dataclass
class Repository:
    """A dataset with its commits, the last of which is main."""

    private: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    def add(self, files: Files) -> str:
        content = json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())})
        commit = hashlib.sha1(f"{len(self.commits)}{content}".encode()).hexdigest()
        self.commits[commit] = files
        return commit

    def commit_of(self, revision: str) -> str | None:
        known = {"main": self.head, **self.tags, **{commit: commit for commit in self.commits}}
        return known.get(revision)


class Hub:
    """Repositories by name, and what was asked of them."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.asked: list[str] = []
        self.broken = False
        self.sent = 0
        """Bytes of files that were read."""
        self.endpoint = ""


@contextmanager
def running() -> Iterator[Hub]:
    """A Hub on a free port."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, status: int, body: Any = None, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _missing(self, what: str) -> None:
        self._send(HTTPStatus.NOT_FOUND, {"error": what}, X_Error_Code=what, X_Error_Message=what)

    def _repository(self, name: str) -> Repository | None:
        found = self.hub.repositories.get(name)
        return None if found and found.private and not self._known() else found

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.hub.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if self.hub.broken:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "down"})
        elif found := RESOLVE.fullmatch(path):
            self._read(**found.groupdict())
        elif found := API.fullmatch(path):
            self._look_up(**found.groupdict())
        else:
            self._missing("EntryNotFound")

    def _read(self, repo: str, revision: str, path: str) -> None:
        repository = self._repository(repo)
        data = repository.commits[revision].get(path) if repository else None
        if data is None:
            return self._missing("EntryNotFound")
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not asked:
            self.hub.sent += len(data)
            return self._send(HTTPStatus.OK, data)
        start, end = int(asked[1]), min(int(asked[2] or len(data) - 1), len(data) - 1)
        self.hub.sent += end + 1 - start
        return self._send(HTTPStatus.PARTIAL_CONTENT, data[start : end + 1])

    def _look_up(self, repo: str, verb: str | None, revision: str | None, path: str | None) -> None:
        repository = self._repository(repo)
        if repository is None:
            return self._missing("RepoNotFound")
        if verb == "refs":
            branches = [{"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head}]
            tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": c} for n, c in repository.tags.items()]
            return self._send(HTTPStatus.OK, {"branches": branches, "tags": tags, "converts": []})
        commit = repository.commit_of(revision or "main")
        if commit is None:
            return self._missing("RevisionNotFound")
        files = repository.commits[commit]
        if verb == "tree":
            below = [name for name in files if not path or name.startswith(f"{path}/")]
            return self._send(HTTPStatus.OK, [_entry(name, files[name]) for name in below])
        siblings = [{"rfilename": name} for name in files]
        info = {"id": repo, "sha": commit, "private": repository.private, "siblings": siblings, "gated": False}
        return self._send(HTTPStatus.OK, info)

    def do_POST(self) -> None:
        self.hub.asked.append(f"{self.command} {self.path}")
        path, body = self.path.partition("?")[0], self._body()
        if path == "/api/validate-yaml":
            self._send(HTTPStatus.OK, {"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif (found := API.fullmatch(path)) and found["verb"] == "preupload":
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            self._send(HTTPStatus.OK, {"files": files})
        elif found and found["verb"] == "commit":
            self._commit(found["repo"], body)
        elif found and found["verb"] == "paths-info":
            files_there = self.hub.repositories[found["repo"]].commits[found["revision"]]
            asked = json.loads(body)["paths"]
            self._send(HTTPStatus.OK, [_entry(name, files_there[name]) for name in asked if name in files_there])
        else:
            self._missing("EntryNotFound")

    def _create(self, asked: dict[str, Any]) -> None:
        if not self._known():
            return self._send(HTTPStatus.UNAUTHORIZED, {"error": "Invalid username or password."})
        name = f"{asked['organization']}/{asked['name']}"
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        self.hub.repositories[name] = Repository(private=private)
        self.hub.repositories[name].add({".gitattributes": b""})
        return self._send(HTTPStatus.OK, {"url": f"{self.hub.endpoint}/datasets/{name}", "name": name, "id": name})

    def _commit(self, repo: str, body: bytes) -> None:
        repository = self.hub.repositories[repo]
        files = dict(repository.commits[repository.head])
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                del files[line["value"]["path"]]
        commit = repository.add(files)
        url = f"{self.hub.endpoint}/datasets/{repo}/commit/{commit}"
        self._send(HTTPStatus.OK, {"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})


def _entry(name: str, data: bytes) -> dict[str, object]:
    return {"type": "file", "oid": hashlib.sha1(data).hexdigest(), "size": len(data), "path": name}
