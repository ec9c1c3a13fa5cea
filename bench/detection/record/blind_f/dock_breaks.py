"""What breaks on the docker host, and times in which nothing does."""

from __future__ import annotations

import os

import dock_stack as s
from cases import case, normal
from common import HOME, Days, World, ask, shell

HOST, FILES = "dock-3", s.FILES
ALL = " ".join(FILES)
NORMAL = float(os.environ.get("CORPUS_SECONDS", "780"))
API, WORKER, EDGE, DAEMON = "api-json.log", "worker-json.log", "edge-json.log", "dockerd.log"
CPU = 0.9
HANGS = "a process that hangs: who waits for it sees only that it does not answer"


@normal(HOST, FILES, cpu=CPU)
def normal_f_dock(w: World) -> None:
    """The docker host: deploys of each container with short gaps, a new image, restarts, a prune, a backup of the cache, a scanner, a container of a cron job,
    a mistyped command, a planned stop of the cache of some seconds under load."""
    s.start(w)
    paths = ("wp-login.php", "api/v1/pods", "containers/json", ".git/config", "actuator/env", "_cat/indices")
    w.every(120, lambda n: s.docker("run", "--rm", "--network", "clinic", "clinic:5.0", "/bin/busybox", "nc", "-w", "2", "cache", "6379"), first=40)
    Days(NORMAL, (
        (50, lambda: s.deploy("api")), (100, lambda: [ask(f"{s.EDGE}/{each}", agent="zgrab/0.x") for each in paths]), (150, lambda: s.docker("restart", "-t", "3", "edge")),
        (210, lambda: s.docker("tag", "clinic:5.0", "clinic:5.1")), (225, lambda: s.deploy("worker", tag="5.1")), (290, lambda: s.docker("exec", "cache", "/bin/ls", "/usr/bin")),
        (330, lambda: s.docker("restart", "-t", "3", "cache")), (390, lambda: s.docker("system", "prune", "-f")), (430, lambda: s.deploy("api", tag="5.1")),
        (500, lambda: s.docker("logs", "apii")), (540, lambda: s.deploy("edge", tag="5.1")), (610, lambda: (s.docker("stop", "-t", "3", "cache"), s.docker("start", "cache"))),
        (670, lambda: s.docker("restart", "-t", "3", "worker")), (720, lambda: s.deploy("api", tag="5.1")))).pass_by()


def calm(w: World, seconds: float = 30) -> None:
    s.start(w)
    w.sleep(seconds)
    w.breaks()


@case(HOST, FILES, ALL, "memory_exhaustion", "api dock-3 kernel", ("kern.log", "Killed process|oom-killer"), also=("service_crash",),
      why_also="it is killed at its limit of memory, again and again", effects=("error_burst", "external_api_down", "network_failure"), cpu=CPU)
def f_docker_memory_limit(w: World) -> None:
    """A release of the API keeps photos in memory; the kernel kills it at the container's limit, docker starts it again, it is killed again."""
    calm(w)
    s.deploy("api", "--memory", "64m", "-e", "API_RELEASE=photos")
    s.crowd(w, 2)
    w.sleep(80)


@case(HOST, FILES, ALL, "service_crash", "api", (EDGE, "timed out"), also=("deadlock", "external_api_down", "error_burst"), why_also=HANGS, effects=("network_failure",),
      silent=True, cpu=CPU)
def f_docker_api_hangs(w: World) -> None:
    """A release of the API takes a lock for ever: it accepts and never answers, and its health check fails."""
    calm(w)
    s.deploy("api", "-e", "API_RELEASE=sync")
    w.sleep(85)


@case(HOST, FILES, ALL, "service_crash", "api", (API, "KeyError"), effects=("error_burst", "external_api_down", "network_failure"), cpu=CPU)
def f_docker_variable_missing(w: World) -> None:
    """A deploy forgot a variable of the API's container; it ends at each start, and docker starts it again."""
    calm(w)
    s.deploy("api", "-p", "127.0.0.21:8000:8000", "-v", f"{HOME}/app/dock:/app:ro", usual=False)
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "api dockerd", (DAEMON, "no such file|OCI runtime|not found|\\[error\\]|level=error"),
      effects=("error_burst", "external_api_down", "network_failure"), cpu=CPU)
def f_docker_command_missing(w: World) -> None:
    """The API is deployed with a command that its image does not hold: docker cannot create it."""
    calm(w)
    s.deploy("api", command=("/srv/api/server",))
    w.every(10, lambda n: s.docker("start", "api"), first=8)
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "api dockerd", (DAEMON, "pull|lookup|registry"), also=("network_failure", "external_api_down"),
      why_also="the image is not there and its registry cannot be reached", effects=("error_burst",), cpu=CPU)
def f_docker_image_missing(w: World) -> None:
    """The API is deployed by a tag that was never built; docker asks a registry that it cannot reach, and no container runs."""
    calm(w)
    s.remove("api")
    w.every(12, lambda n: s.create("api", tag="5.2"))
    w.sleep(80)


@case(HOST, FILES, ALL, "service_crash", "edge dockerd", (DAEMON, "address already in use|bind"), also=("network_failure",), why_also="what it cannot have is an address",
      effects=("external_api_down", "error_burst"), cpu=CPU)
def f_docker_port_taken(w: World) -> None:
    """While the edge is replaced, a program of the host takes its port: docker cannot publish it, and the site is gone."""
    calm(w)
    s.remove("edge")
    w.spawn(["/usr/bin/python3", "-m", "http.server", "--bind", s.EDGE, "80", "--directory", "/mnt"])
    w.sleep(2)
    s.create("edge")
    w.every(10, lambda n: s.docker("start", "edge"), first=8)
    w.sleep(75)


@case(HOST, FILES, ALL, "network_failure", "cache dock-3", (API, "name resolution|Name or service|timed out|No route|unreachable"),
      also=("service_crash", "database_failure"), why_also="who asks the cache sees only that it is not to be found", effects=("error_burst", "external_api_down"), cpu=CPU)
def f_docker_network_disconnected(w: World) -> None:
    """Somebody disconnects the cache from the containers' network: API and worker find it no more."""
    calm(w)
    s.docker("network", "disconnect", "-f", "clinic", "cache")
    w.sleep(75)


@case(HOST, FILES, ALL, "network_failure", "api cache dock-3", (API, "name resolution|Name or service"), also=("error_burst",),
      why_also="the network is well, the container is on the wrong one", effects=("external_api_down", "database_failure"), cpu=CPU)
def f_docker_wrong_network(w: World) -> None:
    """The API is deployed into docker's default network: it cannot resolve the cache's name, and the edge cannot resolve the API's."""
    calm(w)
    s.deploy("api", "--network", "bridge")
    s.crowd(w, 1)
    w.every(1.5, lambda n: ask(f"127.0.0.21:8000/appointment/{n}"))
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "cache", (API, "refused|name resolution|timed out|No route"), also=("database_failure", "network_failure"),
      why_also="the cache is a store, and its name is gone with it", effects=("error_burst", "external_api_down"), cpu=CPU)
def f_docker_cache_removed(w: World) -> None:
    """A tidying script removes the cache's container."""
    calm(w)
    s.remove("cache")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "cache", (API, "timed out|TimeoutError"), also=("database_failure", "network_failure", "deadlock"), why_also=HANGS,
      effects=("error_burst", "external_api_down"), silent=True, cpu=CPU)
def f_docker_cache_paused(w: World) -> None:
    """A backup pauses the cache's container and does not let it go on."""
    calm(w)
    s.docker("pause", "cache")
    w.sleep(75)
    # what is frozen cannot end with the world
    s.docker("unpause", "cache")


@case(HOST, FILES, ALL, "disk_full", "worker dock-3", (WORKER, "No space left"), effects=("error_burst", "queue_backlog"), cpu=CPU)
def f_docker_volume_full(w: World) -> None:
    """A release of the worker writes long letters into its volume, beside a forgotten archive: the volume is full."""
    calm(w)
    shell(f"dd if=/dev/zero of={HOME}/letters/old.tar bs=64k count=88")
    s.deploy("worker", "-e", "WORKER_RELEASE=long")
    w.sleep(80)


@case(HOST, FILES, ALL, "disk_full", "dockerd dock-3", (DAEMON, "[Nn]o space left"), effects=("error_burst", "service_crash", "external_api_down"), cpu=CPU)
def f_docker_data_full(w: World) -> None:
    """The disk of docker's data is full: dockerd can write neither logs of containers nor new ones."""
    calm(w)
    shell(f"dd if=/dev/zero of={s.DATA}/core.dump bs=64k")
    w.every(9, lambda n: s.docker("run", "--rm", "clinic:5.0", "/bin/ls"), first=3)
    w.sleep(80)


@case(HOST, FILES, ALL, "error_burst", "worker", (WORKER, "Read-only file system"), also=("disk_full",), why_also="a place that takes no writes", effects=("queue_backlog",), cpu=CPU)
def f_docker_volume_read_only(w: World) -> None:
    """The worker is deployed with its volume mounted read-only: no letter can be written."""
    calm(w)
    s.deploy("worker", "-v", f"{HOME}/app/dock:/app:ro", "-v", f"{HOME}/letters:/data:ro", usual=False)
    w.sleep(75)


@case(HOST, FILES, ALL, "error_burst", "worker", (WORKER, "Permission denied"), also=("auth_failures",), why_also="files that it may not write", effects=("queue_backlog",), cpu=CPU)
def f_docker_volume_owner(w: World) -> None:
    """The worker is deployed as an unprivileged user, and its volume still belongs to root: no letter can be written."""
    calm(w)
    s.deploy("worker", "--user", "65534:65534")
    w.sleep(75)


@case(HOST, FILES, ALL, "service_crash", "worker kernel", ("kern.log", "segfault|worker"), effects=("error_burst", "queue_backlog"), cpu=CPU)
def f_docker_worker_segfault(w: World) -> None:
    """A release of the worker is killed by a signal of its library for PDF with each letter; docker starts it again and again."""
    calm(w)
    s.deploy("worker", "-e", "WORKER_RELEASE=pdf")
    w.sleep(80)


@case(HOST, FILES, ALL, "error_burst", "api", (API, "can't start new thread|RuntimeError"), also=("memory_exhaustion", "service_crash"),
      why_also="it has used up the processes that its container may have", effects=("external_api_down", "network_failure"), cpu=CPU)
def f_docker_pids_limit(w: World) -> None:
    """A release of the API leaves threads behind; its container reaches its limit of processes, and no request can be taken."""
    calm(w)
    s.deploy("api", "--pids-limit", "40", "-e", "API_RELEASE=notify")
    w.sleep(85)


@case(HOST, FILES, ALL, "error_burst", "api", (API, "Too many open files"), also=("service_crash", "memory_exhaustion"),
      why_also="it has used up the descriptors that its container may have", effects=("external_api_down", "network_failure"), cpu=CPU)
def f_docker_open_files(w: World) -> None:
    """A release of the API leaves files open; its container reaches its limit of descriptors."""
    calm(w)
    s.deploy("api", "--ulimit", "nofile=40:40", "-e", "API_RELEASE=attachments")
    w.sleep(90)


@case(HOST, FILES, ALL, "error_burst", "api", (API, "LookupError"), effects=("external_api_down",), cpu=CPU)
def f_docker_zone_missing(w: World) -> None:
    """A release of the API wants a zone that its slim image does not hold: each appointment fails."""
    calm(w)
    s.deploy("api", "-e", "API_RELEASE=zones")
    w.sleep(75)
