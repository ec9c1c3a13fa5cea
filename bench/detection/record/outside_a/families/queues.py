"""RabbitMQ with its dispatcher and packer; and etcd, mosquitto and beanstalkd with theirs."""

from __future__ import annotations

import time

from stage import (
    HOME,
    LOG,
    Any,
    World,
    case,
    chore,
    family,
    kill,
    port_open,
    script,
    sh,
    shutil,
    signal,
    stop,
    touch,
)

RABBIT = {"rabbitmq.log": "rabbitmq", "dispatch.log": "dispatch", "packer.log": "packer"}
SMALL = {
    "etcd1.log": "etcd", "etcd2.log": "etcd", "etcd3.log": "etcd", "mosquitto.log": "mosquitto", "beanstalkd.log": "beanstalkd",
    "flags.log": "flags", "meters.log": "meters", "jobs.log": "jobs",
}


def _env() -> dict[str, str]:
    base = HOME / "rabbitmq"
    return {
        "HOME": str(base), "RABBITMQ_LOG_BASE": str(base), "RABBITMQ_MNESIA_BASE": str(base / "mnesia"), "RABBITMQ_LOGS": str(LOG / "rabbitmq.log"),
        "RABBITMQ_CONFIG_FILE": str(base / "rabbitmq"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(base / "enabled_plugins"),
        "RABBITMQ_NODENAME": "rabbit@localhost", "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": "25672",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}",
    }


def ctl(command: str) -> str:
    given = " ".join(f"{key}='{value}'" for key, value in _env().items())
    return sh(f"{given} /usr/lib/rabbitmq/bin/rabbitmqctl {command}", user="rabbitmq")


def broker(world: World) -> Any:
    base = HOME / "rabbitmq"
    base.mkdir(exist_ok=True)
    (base / "enabled_plugins").write_text("[].\n")
    (base / "rabbitmq.conf").write_text(
        "listeners.tcp.local = 127.0.0.81:5672\ndefault_user = shop\ndefault_pass = secret\ndefault_vhost = orders\n"
        "log.file.level = info\nloopback_users = none\n"
    )
    for path in (base, *base.iterdir()):
        shutil.chown(path, "rabbitmq", "rabbitmq")
    one = world.spawn(["/usr/lib/rabbitmq/bin/rabbitmq-server"], user="rabbitmq", log="rabbitmq.out", env=_env())
    port_open("127.0.0.81", 5672, 120)
    return one


@family("rabbit", RABBIT)
def rabbit(world: World) -> dict[str, Any]:
    touch(*RABBIT)
    run: dict[str, Any] = {"rabbitmq": broker(world)}
    time.sleep(3)
    run["dispatch"] = script(world, "dispatch")
    run["packer"] = script(world, "packer")
    time.sleep(3)
    return run


def member(world: World, n: int, quota: str = "0") -> Any:
    peers = ",".join(f"m{k}=http://127.0.0.82:{2480 + k}" for k in (1, 2, 3))
    client = 2377 + 2 * n
    return world.spawn(
        [
            "etcd", "--name", f"m{n}", "--data-dir", str(HOME / f"etcd{n}"), "--listen-client-urls", f"http://127.0.0.82:{client}",
            "--advertise-client-urls", f"http://127.0.0.82:{client}", "--listen-peer-urls", f"http://127.0.0.82:{2480 + n}",
            "--initial-advertise-peer-urls", f"http://127.0.0.82:{2480 + n}", "--initial-cluster", peers, "--logger", "zap",
            "--quota-backend-bytes", quota, "--unsafe-no-fsync", "--heartbeat-interval", "300", "--election-timeout", "3000",
        ],
        log=f"etcd{n}.log",
    )


def mosquitto(world: World) -> Any:
    (HOME / "mosquitto.conf").write_text(
        "listener 1883 127.0.0.83\nallow_anonymous false\n"
        f"password_file {HOME}/mosquitto.passwd\nuser mosquitto\nlog_dest stdout\nlog_timestamp_format %Y-%m-%dT%H:%M:%S\n"
    )
    one = world.spawn(["mosquitto", "-c", str(HOME / "mosquitto.conf")], log="mosquitto.log")
    port_open("127.0.0.83", 1883)
    return one


def password(word: str) -> None:
    sh(f"rm -f {HOME}/mosquitto.passwd; mosquitto_passwd -b -c {HOME}/mosquitto.passwd meters {word}; chmod 644 {HOME}/mosquitto.passwd")


def beanstalkd(world: World) -> Any:
    one = world.spawn(["beanstalkd", "-l", "127.0.0.84", "-p", "11300", "-b", str(HOME / "binlog"), "-s", "200000"], log="beanstalkd.log")
    port_open("127.0.0.84", 11300)
    return one


@family("small", SMALL)
def small(world: World, quota: str = "0", disk: bool = False) -> dict[str, Any]:
    touch(*SMALL)
    run: dict[str, Any] = {f"etcd{n}": member(world, n, quota) for n in (1, 2, 3)}
    password("secret")
    run["mosquitto"] = mosquitto(world)
    (HOME / "binlog").mkdir()
    if disk:
        world.disk(HOME / "binlog", 24)
    run["beanstalkd"] = beanstalkd(world)
    port_open("127.0.0.82", 2379)
    time.sleep(6)
    for name in ("flags", "meters", "jobs"):
        run[name] = script(world, name)
    return run


@chore("rabbit")
def rabbit_person(world: World, run: Any) -> None:
    """a person mistypes a password"""
    sh("/srv/venv-a/bin/python -c \"import pika; pika.BlockingConnection(pika.ConnectionParameters('mq.lan', credentials=pika.PlainCredentials('shop', 'oops')))\"")


@chore("rabbit")
def rabbit_hang(world: World, run: Any) -> None:
    """a check of the port breaks off, a client leaves without a farewell"""
    sh("timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.81/5672; sleep 0.2'; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 3 bash -c 'cat > /dev/tcp/127.0.0.81/5672'")
    sh("timeout -s KILL 3 /srv/venv-a/bin/python -c \"import pika, time; c = pika.BlockingConnection(pika.ConnectionParameters('mq.lan', virtual_host='orders', credentials=pika.PlainCredentials('shop', 'secret'))); time.sleep(9)\"")


@chore("rabbit")
def rabbit_operator(world: World, run: Any) -> None:
    """an operator lists queues, adds a policy and an account, and rotates the log"""
    ctl("list_queues -p orders")
    ctl("set_policy -p orders short '^short' '" + '{"max-length": 10}' + "' --apply-to queues")
    ctl("add_user watcher watcher")
    ctl("rotate_logs")


@chore("rabbit")
def rabbit_bulk(world: World, run: Any) -> None:
    """a bulk import of 3,000 messages, which is worked off slowly"""
    sh(
        "/srv/venv-a/bin/python -c \"import pika; c = pika.BlockingConnection(pika.ConnectionParameters('mq.lan', virtual_host='orders', "
        "credentials=pika.PlainCredentials('shop', 'secret'))).channel(); "
        "[c.basic_publish('', 'pack', b'{\\\"order\\\": 1}') for _ in range(1500)]\""
    )


@chore("rabbit")
def rabbit_packer(world: World, run: Any) -> None:
    """the packer is deployed: it is stopped and started"""
    stop(run["packer"])
    time.sleep(2)
    run["packer"] = script(world, "packer")


@chore("rabbit")
def rabbit_restart(world: World, run: Any) -> None:
    """RabbitMQ is restarted as one plans it"""
    ctl("stop")
    time.sleep(2)
    run["rabbitmq"] = broker(world)


@chore("rabbit")
def rabbit_dispatch(world: World, run: Any) -> None:
    """the dispatcher is deployed: it is stopped and started"""
    stop(run["dispatch"])
    run["dispatch"] = script(world, "dispatch")


@chore("small")
def small_person(world: World, run: Any) -> None:
    """people mistype a password for MQTT and a key of etcd"""
    sh("mosquitto_pub -h 127.0.0.83 -u meters -P oops -t meters/1 -m x; ETCDCTL_API=3 etcdctl --endpoints http://127.0.0.82:2379 get nothing")
    sh("ETCDCTL_API=3 etcdctl --endpoints http://127.0.0.82:2379 put; printf 'putt 1 2 3\\r\\n' | timeout 2 bash -c 'cat > /dev/tcp/127.0.0.84/11300'")


@chore("small")
def small_hang(world: World, run: Any) -> None:
    """checks of ports break off, a client of MQTT leaves without a farewell"""
    sh("timeout -s KILL 3 mosquitto_sub -h 127.0.0.83 -u meters -P secret -t 'meters/#'; for p in 83/1883 84/11300 82/2379; do timeout 2 bash -c \"exec 3<>/dev/tcp/127.0.0.$p; sleep 0.2\"; done")


@chore("small")
def small_backup(world: World, run: Any) -> None:
    """etcd is compacted, defragmented and backed up"""
    sh("ETCDCTL_API=3 etcdctl --endpoints http://127.0.0.82:2379 snapshot save /tmp/etcd.snap; ETCDCTL_API=3 etcdctl --endpoints http://127.0.0.82:2379 compact 20; ETCDCTL_API=3 etcdctl --endpoints http://127.0.0.82:2379 defrag")


@chore("small")
def small_reload(world: World, run: Any) -> None:
    """mosquitto is reloaded"""
    run["mosquitto"].send_signal(signal.SIGHUP)


@chore("small")
def small_leader(world: World, run: Any) -> None:
    """a member of etcd is restarted as one plans it"""
    stop(run["etcd2"])
    run["etcd2"] = member(world, 2)


@chore("small")
def small_mosquitto(world: World, run: Any) -> None:
    """mosquitto is restarted as one plans it"""
    stop(run["mosquitto"])
    run["mosquitto"] = mosquitto(world)


@chore("small")
def small_beanstalkd(world: World, run: Any) -> None:
    """beanstalkd is restarted as one plans it"""
    stop(run["beanstalkd"])
    run["beanstalkd"] = beanstalkd(world)


@chore("small")
def small_deploy(world: World, run: Any) -> None:
    """the clients are deployed one by one"""
    for name in ("flags", "meters", "jobs"):
        stop(run[name])
        run[name] = script(world, name)


@case("rabbit", "auth_failures", "rabbitmq dispatch packer", ("rabbitmq.log", "access to|refused"), also=("error_burst",),
      why_also="the account is known, its rights are gone")
def rabbit_permissions(world: World, run: Any) -> None:
    """The rights of the account are cleared while accounts are tidied up, and all connections are closed."""
    ctl("clear_permissions -p orders shop")
    ctl("close_all_connections --global tidied")


@case("rabbit", "queue_backlog", "packer dispatch rabbitmq", ("dispatch.log", "Nack"), silent=True, also=("error_burst",),
      why_also="what is seen first is that messages are refused")
def rabbit_backlog(world: World, run: Any) -> None:
    """The packer hangs; the queue grows to its limit and RabbitMQ refuses further messages."""
    ctl("set_policy -p orders bounded '^pack$' '" + '{"max-length": 40, "overflow": "reject-publish"}' + "' --apply-to queues")
    kill(run["packer"], signal.SIGSTOP)


@case("rabbit", "error_burst", "rabbitmq dispatch", ("rabbitmq.log", "vhost .*(not found|down|deleted)|NOT_ALLOWED|not_allowed"),
      also=("auth_failures", "external_api_down", "queue_backlog", "service_crash"),
      why_also="the room of the queues is gone: no word of the vocabulary means that")
def rabbit_vhost_deleted(world: World, run: Any) -> None:
    """Somebody deletes the virtual host of the orders; nobody is let in any more."""
    ctl("delete_vhost orders")


@case("rabbit", "service_crash", "rabbitmq", ("dispatch.log", "ERROR"), effects=("queue_backlog", "error_burst", "external_api_down"), silent=True)
def rabbit_no_start(world: World, run: Any) -> None:
    """RabbitMQ is restarted with a faulty setting and does not start."""
    ctl("stop")
    conf = HOME / "rabbitmq" / "rabbitmq.conf"
    conf.write_text(conf.read_text() + "vm_memory_high_watermark.relative = plenty\n")
    world.spawn(["/usr/lib/rabbitmq/bin/rabbitmq-server"], user="rabbitmq", log="rabbitmq.out", env=_env())


@case("small", "database_failure", "etcd", ("flags.log", "space exceeded"), also=("disk_full",),
      why_also="the space is etcd's own quota, not a disk", options={"quota": "2000000"})
def etcd_no_space(world: World, run: Any) -> None:
    """Somebody writes large values into etcd until its quota is used up; it takes no more writes."""
    sh(
        "for n in $(seq 40); do head -c 90000 /dev/urandom | base64 -w0 | ETCDCTL_API=3 etcdctl --endpoints http://127.0.0.82:2379 put big/$n; done >/dev/null"
    )


@case("small", "database_failure", "etcd", ("etcd1.log", "lost|no leader|unreachable|inactive"), also=("service_crash",),
      why_also="two members are dead, and the third alone may not answer")
def etcd_no_quorum(world: World, run: Any) -> None:
    """Two of three members of etcd are killed; the third finds no leader."""
    kill(run["etcd2"])
    kill(run["etcd3"])


@case("small", "auth_failures", "mosquitto meters", ("meters.log", "[Nn]ot authori|[Bb]ad user"))
def mosquitto_password(world: World, run: Any) -> None:
    """The password of the meters is changed in the broker and not in the meters."""
    password("rotated")
    stop(run["mosquitto"])
    run["mosquitto"] = mosquitto(world)


@case("small", "service_crash", "mosquitto", ("meters.log", "disconnected|not connected"), silent=True)
def mosquitto_killed(world: World, run: Any) -> None:
    """The MQTT broker is killed and does not come back."""
    kill(run["mosquitto"])


@case("small", "disk_full", "beanstalkd", ("beanstalkd.log", "No space|space"), options={"disk": True},
      effects=("error_burst", "external_api_down", "queue_backlog", "memory_exhaustion"))
def beanstalkd_disk_full(world: World, run: Any) -> None:
    """The disk of beanstalkd's log of jobs is filled up by a copy that goes on and on; jobs cannot be stored."""
    world.spawn(["/bin/sh", "-c", f"while true; do dd if=/dev/zero bs=64k count=600 >> {HOME}/binlog/copy 2>/dev/null; sleep 0.1; done"])


@case("small", "service_crash", "beanstalkd", ("jobs.log", "refused"), silent=True)
def beanstalkd_killed(world: World, run: Any) -> None:
    """beanstalkd is killed and does not come back."""
    kill(run["beanstalkd"])


@case("small", "service_crash", "etcd", ("flags.log", "refused"), silent=True, also=("database_failure",),
      why_also="a store that is gone is a crash and a failure of the database")
def etcd_killed(world: World, run: Any) -> None:
    """All members of etcd are killed and do not come back."""
    for n in (1, 2, 3):
        kill(run[f"etcd{n}"])


@case("rabbit", "service_crash", "packer", ("packer.log", "Traceback"), effects=("error_burst", "queue_backlog"))
def packer_poisoned(world: World, run: Any) -> None:
    """A message that the packer does not understand kills it; it is started anew, is given the message again and dies again."""
    path = HOME / "app" / "packer.py"
    path.write_text(path.read_text().replace("except Exception as error:  # noqa: BLE001", "except pika.exceptions.AMQPError as error:"))
    stop(run["packer"])
    sh(
        "/srv/venv-a/bin/python -c \"import pika; pika.BlockingConnection(pika.ConnectionParameters('mq.lan', virtual_host='orders', "
        "credentials=pika.PlainCredentials('shop', 'secret'))).channel().basic_publish('', 'pack', b'<order>17</order>')\""
    )
    world.spawn(
        ["/bin/sh", "-c", "while true; do /srv/venv-a/bin/python /srv/shop/app/packer.py; sleep 3; done"], log="packer.log", user="www-data",
        env={"PYTHONUNBUFFERED": "1"},
    )
