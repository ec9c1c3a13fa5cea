"""One call to dockerd, as a process of its own: `SOCKET inspect NAME` or `SOCKET restart ID`.

From platforms.docker (and run); to dockerd by the docker SDK.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def inspect(client: Any, name: str) -> dict[str, Any]:
    """Return what is needed of the container with exactly this name; LookupError when there is none."""
    import docker.errors

    try:
        found = client.containers.get(name).attrs
    except docker.errors.NotFound:
        raise LookupError(f"there is no container {name}") from None
    # dockerd also takes the beginning of an id for a name; that is another container's
    if found["Name"].lstrip("/") != name:
        raise LookupError(f"there is no container named {name}")
    state = found["State"]
    return {
        "id": found["Id"],
        "image_id": found["Image"],
        "image": found["Config"]["Image"],
        "status": state["Status"],
        "running": state["Running"],
        "pid": state["Pid"],
        "started_at": state["StartedAt"],
        "restarts": found.get("RestartCount", 0),
        "health": (state.get("Health") or {}).get("Status"),
    }


def main(arguments: list[str]) -> int:
    """Do the call; print its result or, to people, why not."""
    if len(arguments) != 3 or arguments[1] not in ("inspect", "restart"):
        sys.stderr.write("use: docker_call SOCKET inspect NAME | SOCKET restart ID\n")
        return 2
    socket, what, name = arguments
    try:
        import docker
        import docker.errors
    except ImportError:
        sys.stderr.write("the docker SDK is not installed: pip install 'sra-assistant[agent]'\n")
        return 3
    try:
        client = docker.DockerClient(base_url=f"unix://{socket}", timeout=300)
        try:
            if what == "inspect":
                sys.stdout.write(json.dumps(inspect(client, name)) + "\n")
            else:
                client.containers.get(name).restart(timeout=10)
                sys.stdout.write("restarted\n")
        finally:
            client.close()
    except LookupError as problem:
        sys.stderr.write(f"{problem.args[0]}\n")
        return 4
    except (docker.errors.DockerException, OSError) as problem:
        sys.stderr.write(f"dockerd at {socket}: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
