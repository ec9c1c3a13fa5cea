"""The agent's own process, which keeps nothing of the command line in memory. From agent; to sra_agent.app.

`sra agent run` reads what it was given and then becomes this program (`become`), in the same process: the
libraries that read and print commands take ten megabytes, and a daemon would hold them for ever.
"""
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

KEY = "SRA_AGENT_KEY"  # a key that was given as an option; what the environment holds, `ps` does not show


def become(config: str | None, given: Mapping[str, Any]) -> NoReturn:
    """Replace this process by the agent with the same settings; `given` wins over the file `config`."""
    words = [sys.executable, "-P", "-m", "sra_cli.daemon"]
    words += [f"--config={config}"] if config else []
    for name in ("server", "host", "state_dir"):
        words += [f"--{name}={given[name]}"] if given.get(name) is not None else []
    words += [f"--file={path}" for path in given.get("files") or ()]
    words += ["--from-start"] if given.get("from_start") else []
    environment = dict(os.environ)
    if given.get("key") is not None:
        environment[KEY] = given["key"]
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execve(sys.executable, words, environment)  # noqa: S606  (no shell is what is wanted)


def main() -> int:
    """Run the agent until it is asked to end; return the exit code."""
    from sra_agent.app import run
    from sra_agent.config import AgentConfig
    options = argparse.ArgumentParser(prog="sra agent run", allow_abbrev=False)
    for name in ("config", "server", "host", "state_dir"):
        options.add_argument(f"--{name}")
    options.add_argument("--file", dest="files", action="append")
    options.add_argument("--from-start", action="store_true", default=None)
    given = vars(options.parse_args())
    given["files"] = tuple(given["files"]) if given["files"] else None
    try:
        return run(AgentConfig.load(given.pop("config"), key=os.environ.pop(KEY, None), **given))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("SRA_DEBUG") == "1":
            raise
        from .main import report
        return report(error)


if __name__ == "__main__":
    sys.exit(main())
