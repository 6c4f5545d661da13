"""Record a session while it happens, so that commands and outputs are what the machine printed.

    record.py NAME start --title TITLE   copy lab/NAME to WORKDIR/NAME and begin sessions/NAME.jsonl
    record.py NAME human TEXT            (TEXT "-" reads standard input; the same for assistant)
    record.py NAME assistant TEXT
    record.py NAME bash COMMAND          run it in the copy; record the command and what it printed
    record.py NAME write PATH            write standard input to PATH in the copy
    record.py NAME edit PATH OLD NEW     replace the one occurrence of OLD
    record.py NAME show                  print the session with its event numbers

WORKDIR is $LAB_WORKDIR, or nextstep-lab in the system's temporary folder. Standard library only.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

LAB = Path(__file__).resolve().parent
SESSIONS = LAB.parent / "sessions"
WORKDIR = Path(os.environ.get("LAB_WORKDIR") or Path(tempfile.gettempdir()) / "nextstep-lab")
OUTPUT_LIMIT = 5_000
"""Characters of a command's output that are recorded; the middle of a longer one is left out, visibly."""


def append(name: str, role: str, kind: str, text: str, tool: str | None = None) -> None:
    """Add one event to the session's file, stamped with the time at which it happened."""
    path = SESSIONS / f"{name}.jsonl"
    idx = sum(1 for _ in path.open(encoding="utf-8")) - 1
    event: dict[str, object] = {"idx": idx, "role": role, "kind": kind}
    if tool:
        event["tool"] = tool
    event |= {"text": text, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(event, ensure_ascii=False) + "\n")
    print(f"[{idx}] {role} {kind}", file=sys.stderr)


def shorten(text: str) -> str:
    if len(text) <= OUTPUT_LIMIT:
        return text
    half = OUTPUT_LIMIT // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters not shown ...]\n{text[-half:]}"


def run(command: str, folder: Path) -> str:
    """Standard output and error of a command, interleaved as printed, with its exit code if not 0."""
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=1800,
    )
    output = shorten(done.stdout.decode(errors="replace").rstrip("\n"))
    return output + (f"\n[exit code {done.returncode}]" if done.returncode else "")


def start(name: str, title: str) -> None:
    path = SESSIONS / f"{name}.jsonl"
    if path.exists():
        sys.exit(f"{path.name} exists; move it away first")
    shutil.copytree(LAB / name, WORKDIR / name)
    header = {
        "type": "session",
        "format": 1,
        "title": title,
        "source": "nextstep-lab",
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "lab": f"lab/{name}",
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(header, ensure_ascii=False) + "\n", encoding="utf-8")


def show(name: str) -> None:
    for line in (SESSIONS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()[1:]:
        event = json.loads(line)
        print(f"--- [{event['idx']}] {event['role']} {event['kind']} {event.get('tool', '')}\n{event['text']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("what", choices=["start", "human", "assistant", "bash", "write", "edit", "show"])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--title", default="")
    options = parser.parse_args()
    name, words = options.name, [sys.stdin.read() if word == "-" else word for word in options.words]
    folder = WORKDIR / name
    match options.what:
        case "start":
            start(name, options.title)
        case "show":
            show(name)
        case "human" | "assistant":
            append(name, options.what, "text", words[0].strip())
        case "bash":
            append(name, "assistant", "tool_use", words[0], "Bash")
            output = run(words[0], folder)
            append(name, "tool", "tool_result", output, "Bash")
            print(output)
        case "write":
            content = sys.stdin.read()
            (folder / words[0]).write_text(content, encoding="utf-8")
            append(name, "assistant", "tool_use", f"file_path: {words[0]}\ncontent:\n{content}", "Write")
            append(name, "tool", "tool_result", f"Wrote {content.count(chr(10))} lines to {words[0]}", "Write")
        case "edit":
            path, old, new = folder / words[0], words[1], words[2]
            before = path.read_text(encoding="utf-8")
            if before.count(old) != 1:
                sys.exit(f"{words[0]} holds {before.count(old)} occurrences of the text to replace")
            path.write_text(before.replace(old, new), encoding="utf-8")
            text = f"file_path: {words[0]}\nold_string:\n{old}\nnew_string:\n{new}"
            append(name, "assistant", "tool_use", text, "Edit")
            append(name, "tool", "tool_result", f"Edited {words[0]}", "Edit")


if __name__ == "__main__":
    main()
