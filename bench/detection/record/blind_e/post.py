"""Mail: Postfix asks rspamd about each letter and hands it to Dovecot over LMTP; a newsletter writes, a web mail reads."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from ground import (
    HERE,
    HOME,
    LOG,
    Any,
    World,
    chore,
    family,
    folder,
    port_open,
    python,
    quietly,
    rsyslog,
    sh,
    stop,
    touch,
)

sys.path.append(str(HERE.parent / "fresh_c"))

SOURCES = {"mail.log": "", "rspamd.log": "rspamd", "newsletter.log": "newsletter", "webmail.log": "webmail"}
USERS = {"liv": "blue-kite", "noah": "tall-ship", "mira": "old-clock", "theo": "red-door"}


def certify(seconds: float) -> None:
    """Give Dovecot a certificate that ends after some seconds."""
    import importlib.util

    from cryptography import x509  # noqa: F401  # said here, where it is missing, and not in the middle of a recording

    spec = importlib.util.spec_from_file_location("fresh_c_ground", HERE.parent / "fresh_c/ground.py")
    if spec is None or spec.loader is None:
        raise ImportError("the ground of fresh_c is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.certificate(HOME / "tls", "imap", seconds, "imap.grid.example")


def users(text: str = "") -> None:
    path = HOME / "dovecot/users"
    path.write_text(text or "".join(f"{name}:{{PLAIN}}{word}::::::\n" for name, word in USERS.items()))
    path.chmod(0o644)


def dovecot_conf(more: str = "", location: str = "maildir:/srv/shop/boxes/%n") -> None:
    (HOME / "dovecot/dovecot.conf").write_text(
        "protocols = imap lmtp\nlisten = 127.0.3.32\nbase_dir = /run/dovecot\nstate_dir = /run/dovecot-state\nssl = required\ndisable_plaintext_auth = yes\n"
        "ssl_cert = </srv/shop/tls/imap.pem\nssl_key = </srv/shop/tls/imap.key\nssl_dh = \nlog_path = syslog\nsyslog_facility = mail\nlogin_trusted_networks =\n"
        f"mail_location = {location}\nfirst_valid_uid = 1\nmail_uid = mail\nmail_gid = mail\nauth_mechanisms = plain login\nauth_failure_delay = 1s\n"
        "passdb {\n driver = passwd-file\n args = username_format=%n /srv/shop/dovecot/users\n}\nuserdb {\n driver = static\n args = uid=mail gid=mail home=/srv/shop/boxes/%n\n}\n"
        "service imap-login {\n inet_listener imap {\n  port = 143\n }\n inet_listener imaps {\n  port = 993\n  ssl = yes\n }\n}\n"
        "service lmtp {\n inet_listener lmtp {\n  address = 127.0.3.32\n  port = 24\n }\n}\nauth_username_format = %n\n" + more
    )


def dovecot(world: World) -> Any:
    Path("/run/dovecot-state").mkdir(exist_ok=True)
    one = world.spawn(["dovecot", "-F", "-c", str(HOME / "dovecot/dovecot.conf")], log="dovecot.out")
    port_open("127.0.3.32", 24, 40)
    return one


def rspamd_conf() -> None:
    base = Path("/etc/rspamd")
    for name, text in {
        "worker-normal.inc": 'enabled = false;\n', "worker-controller.inc": 'enabled = false;\n', "worker-fuzzy.inc": 'enabled = false;\n',
        "worker-proxy.inc": 'bind_socket = "127.0.3.33:11332";\nmilter = yes;\ntimeout = 8s;\nupstream "local" {\n default = yes;\n self_scan = yes;\n}\ncount = 1;\n',
        "logging.inc": f'type = "file";\nfilename = "{LOG}/rspamd.log";\nlevel = "info";\n',
        "options.inc": 'dns { nameserver = ["127.0.0.53"]; timeout = 0.2s; retransmits = 1; }\nlocal_addrs = [127.0.0.0/8];\n',
    }.items():
        for place in ("local.d", "override.d"):
            (base / place).mkdir(exist_ok=True)
        (base / "override.d" / name).write_text(text)
    for name in ("rbl", "dmarc", "spf", "dkim", "fuzzy_check", "asn", "phishing", "surbl", "neural", "ratelimit", "greylist", "dkim_signing", "arc", "mid", "hfilter", "dns_tool", "url_redirector", "reputation"):
        (base / "override.d" / f"{name}.conf").write_text("enabled = false;\n")


def rspamd(world: World) -> Any:
    sh("mkdir -p /run/rspamd; chown _rspamd:_rspamd /run/rspamd")
    one = world.spawn(["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd"], log="rspamd.out")
    port_open("127.0.3.33", 11332, 90)
    return one


def postfix_conf(more: str = "", transport: str = "lmtp:inet:127.0.3.32:24") -> None:
    Path("/etc/postfix/main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {HOME}/spool\ndata_directory = {HOME}/postfix\ninet_interfaces = 127.0.3.31\ninet_protocols = ipv4\n"
        f"myhostname = mail.grid.example\nmydestination =\nmynetworks = 127.0.0.0/8\nvirtual_mailbox_domains = grid.example\nvirtual_transport = {transport}\n"
        "smtpd_milters = inet:127.0.3.33:11332\nmilter_default_action = tempfail\nmilter_connect_timeout = 5s\nmilter_command_timeout = 8s\nmilter_content_timeout = 10s\n"
        "alias_maps =\nlocal_recipient_maps =\nsmtp_connect_timeout = 5s\nlmtp_connect_timeout = 5s\nlmtp_lhlo_timeout = 8s\nminimal_backoff_time = 20s\nqueue_run_delay = 15s\n"
        "maximal_backoff_time = 40s\nsmtputf8_enable = no\nsmtpd_peername_lookup = no\nsmtp_dns_support_level = disabled\nlmtp_host_lookup = native\n" + more
    )


def postfix(world: World) -> Any:
    one = world.spawn(["/usr/sbin/postfix", "start-fg"], log="postfix.out")
    port_open("127.0.3.31", 25, 60)
    return one


@family("post", SOURCES)
def start(world: World, disk: int = 0, dovecot_more: str = "", ends: float = 8e6) -> dict[str, Any]:
    touch(*SOURCES)
    for each in ("127.0.3.31", "127.0.3.32"):
        sh(f"ip addr add {each}/32 dev lo")
    Path("/etc/resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
    rsyslog(world, mail="mail.*")
    certify(ends)
    folder("boxes", "mail", world, disk)
    for name in ("dovecot", "spool", "postfix"):
        (HOME / name).mkdir()
    sh(f"chown postfix:postfix {HOME}/postfix; cp -n /usr/share/postfix/master.cf.dist /etc/postfix/master.cf")
    sh(r"sed -i -E 's/^([a-z]\S*\s+\S+\s+\S+\s+\S+\s+)y/\1n/' /etc/postfix/master.cf")
    users()
    dovecot_conf(dovecot_more)
    rspamd_conf()
    postfix_conf()
    sh("postfix set-permissions")
    run: dict[str, Any] = {"dovecot": dovecot(world), "rspamd": rspamd(world)}
    run["postfix"] = postfix(world)
    time.sleep(1)
    run["newsletter"] = python(world, "newsletter")
    time.sleep(2)
    run["webmail"] = python(world, "webmail")
    return run


def imap_login(who: str, word: str) -> None:
    """Somebody logs in by hand."""
    sh(f"curl -s -m 6 --cacert {HOME}/tls/ca.pem -u '{who}:{word}' imaps://imap.grid.example/INBOX")


# ── everyday life ────────────────────────────────────────────────────────────────────────────
@chore("post")
def person(world: World, run: Any) -> None:
    """a person mistypes the password of the mailbox twice, and logs in then"""
    for word in ("bluekite", "Blue-kite", "blue-kite"):
        imap_login("liv", word)


@chore("post")
def wrong_address(world: World, run: Any) -> None:
    """somebody writes to an address that is not there, and a scanner knocks"""
    sh("printf 'EHLO x\\r\\nMAIL FROM:<a@far.example>\\r\\nRCPT TO:<b@elsewhere.example>\\r\\nQUIT\\r\\n' | timeout 4 bash -c 'exec 3<>/dev/tcp/127.0.3.31/25; cat >&3; cat <&3'")
    sh("printf 'GET / HTTP/1.1\\r\\n\\r\\n' | timeout 3 bash -c 'exec 3<>/dev/tcp/127.0.3.31/25; cat >&3; cat <&3'")
    quietly(lambda: port_open("127.0.3.32", 993), lambda: port_open("127.0.3.31", 25))


@chore("post")
def reload_all(world: World, run: Any) -> None:
    """Postfix and Dovecot are reloaded after a change of settings"""
    sh("postconf -e 'message_size_limit = 20000000'; postfix reload; doveadm -c /srv/shop/dovecot/dovecot.conf reload")


@chore("post")
def renewal(world: World, run: Any) -> None:
    """the certificate is renewed, and Dovecot reloaded"""
    certify(9e6)
    sh("doveadm -c /srv/shop/dovecot/dovecot.conf reload")


@chore("post")
def rspamd_upgrade(world: World, run: Any) -> None:
    """rspamd is upgraded: away for a few seconds, in which letters are put off"""
    stop(run["rspamd"])
    time.sleep(2)
    run["rspamd"] = rspamd(world)


@chore("post")
def deploys(world: World, run: Any) -> None:
    """newsletter and web mail are deployed anew"""
    for name in ("newsletter", "webmail"):
        stop(run[name])
        time.sleep(1)
        run[name] = python(world, name)


@chore("post")
def dovecot_restart(world: World, run: Any) -> None:
    """Dovecot is restarted as one plans it; letters wait in the queue for three seconds"""
    stop(run["dovecot"])
    time.sleep(3)
    run["dovecot"] = dovecot(world)


@chore("post")
def bulk(world: World, run: Any) -> None:
    """eighty letters come at once"""
    sh("smtp-source -s 4 -m 80 -f club@grid.example -t theo@grid.example 127.0.3.31:25", seconds=60)


@chore("post")
def rotation(world: World, run: Any) -> None:
    """logs are rotated"""
    for name, pid in (("mail", "/run/rsyslogd.pid"),):
        sh(f"mv {LOG}/{name}.log {LOG}/{name}.log.1; kill -HUP $(cat {pid})")
    touch("mail.log")


@chore("post")
def postfix_restart(world: World, run: Any) -> None:
    """Postfix is restarted as one plans it"""
    sh("postfix stop")
    run["postfix"].wait(20)
    run["postfix"] = postfix(world)
