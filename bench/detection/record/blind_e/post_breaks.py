"""Failures of mail."""

from __future__ import annotations

import signal
import time

from ground import HOME, Any, World, case, kill, sh, stop
from post import USERS, certify, dovecot, dovecot_conf, imap_login, postfix_conf, users

ERRORS = ("error_burst", "external_api_down", "queue_backlog")
BOTH = "postfix dovecot"


@case("post", "service_crash", "rspamd", ("mail.log", "(?i)milter.*(refused|unavailable)|connect to Milter"), silent=True, also=("external_api_down",),
      why_also="told by Postfix, which cannot ask its filter")
def rspamd_killed(world: World, run: Any) -> None:
    """rspamd is killed; Postfix puts every letter off."""
    kill(run["rspamd"])


@case("post", "service_crash", "rspamd postfix", ("mail.log", "(?i)milter.*(timed? ?out|timeout)|timeout"), silent=True, also=("external_api_down", "network_failure"),
      why_also="a filter that hangs: from Postfix it looks like one behind a broken network", after=75)
def rspamd_frozen(world: World, run: Any) -> None:
    """rspamd hangs; Postfix waits for it with every letter, and puts it off."""
    kill(run["rspamd"], signal.SIGSTOP)


@case("post", "service_crash", "dovecot", ("mail.log", "(?i)refused"), silent=True, also=("external_api_down", "queue_backlog"), effects=ERRORS,
      why_also="letters wait in Postfix' queue, for nobody takes them")
def dovecot_killed(world: World, run: Any) -> None:
    """Dovecot is killed; letters wait in the queue, and the web mail shows nothing."""
    kill(run["dovecot"])


@case("post", "disk_full", "dovecot", ("mail.log", "(?i)no space|not enough disk space|quota"), options={"disk": 10}, effects=ERRORS)
def mailboxes_disk_full(world: World, run: Any) -> None:
    """The disk of the mailboxes is filled by an export; no letter can be stored."""
    sh("dd if=/dev/zero of=/srv/shop/boxes/export.mbox bs=4k")


@case("post", "auth_failures", "dovecot webmail", ("mail.log", "(?i)auth.*(fail|mismatch|unknown user)"), effects=("error_burst", "external_api_down"))
def mail_passwords_lost(world: World, run: Any) -> None:
    """A deploy writes the file of users with other passwords; nobody of the web mail gets in."""
    users("".join(f"{name}:{{PLAIN}}{word[::-1]}::::::\n" for name, word in USERS.items()))


@case("post", "auth_failures", "dovecot webmail", ("mail.log", "(?i)auth failed|doesn't exist"), also=("error_burst",), effects=ERRORS,
      why_also="nobody is known any more: logins fail, and letters go back to their senders")
def mail_users_missing(world: World, run: Any) -> None:
    """The file of users is moved by a deploy; Dovecot can check nobody's password and knows no mailbox."""
    (HOME / "dovecot/users").rename(HOME / "dovecot/users.new")


@case("post", "auth_failures", "dovecot", ("mail.log", "(?i)auth failed"), after=70)
def imap_guessing(world: World, run: Any) -> None:
    """Somebody from outside tries passwords of many names at the mailboxes."""
    for each in range(4):
        world.every(0.5, lambda n, each=each: imap_login(("admin", "info", "liv", "office", "noah", "test")[(n + each) % 6], f"summer{2000 + 40 * each + n}"), first=0.2 * each)


@case("post", "error_burst", "dovecot", ("mail.log", "(?i)permission denied"), also=("service_crash",), effects=ERRORS,
      why_also="rights of files are wrong: no word of the vocabulary means that")
def mailboxes_wrong_owner(world: World, run: Any) -> None:
    """A restored backup leaves the mailboxes to root; letters cannot be stored and no mailbox opens."""
    sh("chown -R root:root /srv/shop/boxes; chmod -R go-rwx /srv/shop/boxes; chmod 755 /srv/shop/boxes")


@case("post", "error_burst", "postfix", ("mail.log", "(?i)(fatal|error|warning).*(transport|hash|lmdb|table|dictionary)"), also=("service_crash", "queue_backlog"),
      effects=ERRORS, why_also="a table that is missing after a deploy: Postfix puts every letter off")
def postfix_table_missing(world: World, run: Any) -> None:
    """A deploy names a table of addresses that was not built; Postfix answers every recipient with a temporary failure."""
    postfix_conf("virtual_alias_maps = hash:/etc/postfix/people\n")
    sh("postfix reload")


@case("post", "error_burst", "postfix", ("mail.log", "(?i)loops? back|unreachable|bounce"), also=("external_api_down", "network_failure"),
      effects=ERRORS, why_also="a wrong route: letters come back to where they left")
def postfix_loops(world: World, run: Any) -> None:
    """A deploy sends what belongs to Dovecot to Postfix itself; letters go in circles and come back."""
    postfix_conf(transport="smtp:[127.0.3.31]:25")
    sh("postfix reload")


@case("post", "certificate_expired", "dovecot webmail", ("webmail.log", "(?i)certificate has expired"), after=60,
      effects=("error_burst", "external_api_down"), silent=True)
def imap_certificate_expires(world: World, run: Any) -> None:
    """The certificate of the mailboxes is a short-lived one, and its renewal does not come; the web mail refuses to connect."""
    certify(14)
    sh("doveadm -c /srv/shop/dovecot/dovecot.conf reload")
    time.sleep(14.5)
    world.broken_at = float(int(time.time()))


@case("post", "error_burst", "dovecot webmail", ("mail.log", "(?i)process_limit|client connections are being dropped"), also=("rate_limited", "service_crash", "queue_backlog"),
      options={"dovecot_more": "service imap {\n process_limit = 4\n}\nmail_max_userip_connections = 40\n"}, effects=ERRORS,
      why_also="processes run out: no word of the vocabulary means that")
def imap_processes_used_up(world: World, run: Any) -> None:
    """A script keeps its sessions open; Dovecot has as many processes of IMAP as it may, and nobody gets further."""
    world.spawn(["/usr/bin/python3", "-c",
                 "import imaplib, ssl, time\nkept = []\nfor n in range(12):\n    try:\n        box = imaplib.IMAP4_SSL('imap.grid.example', 993, "
                 "ssl_context=ssl.create_default_context(cafile='/srv/shop/tls/ca.pem'), timeout=20)\n        box.login('theo', 'red-door')\n        kept.append(box)\n"
                 "    except Exception: pass\ntime.sleep(300)\n"])


@case("post", "service_crash", "dovecot", ("mail.log", "(?i)(fatal|error).*"), also=("certificate_expired", "error_burst"), effects=ERRORS,
      why_also="Dovecot runs and can serve nobody, for it cannot read its key")
def imap_key_mismatch(world: World, run: Any) -> None:
    """A renewal brings a certificate and forgets the key that belongs to it; restarted, Dovecot can take no TLS connection."""
    key = (HOME / "tls/imap.key").read_bytes()
    certify(9e6)
    (HOME / "tls/imap.key").write_bytes(key)
    stop(run["dovecot"])
    run["dovecot"] = dovecot(world)


@case("post", "service_crash", "postfix", ("newsletter.log", "(?i)refused"), silent=True, also=("external_api_down",), why_also="told by those who cannot hand in letters")
def postfix_stopped(world: World, run: Any) -> None:
    """Postfix is stopped for maintenance and not started again."""
    sh("postfix stop")


@case("post", "network_failure", "dovecot postfix webmail", ("mail.log", "(?i)timed out"), silent=True, also=("external_api_down", "service_crash", "queue_backlog"),
      effects=ERRORS, why_also="from a client, a server that is gone and one that cannot be reached look alike")
def dovecot_dropped(world: World, run: Any) -> None:
    """A firewall rule drops all that goes to Dovecot."""
    sh("iptables -A INPUT -d 127.0.3.32 -p tcp -m multiport --dports 24,993 -j DROP")


@case("post", "error_burst", "dovecot", ("mail.log", "(?i)(fatal|error)"), also=("service_crash",), effects=ERRORS,
      why_also="a module that cannot be loaded: no mailbox opens")
def dovecot_plugin_missing(world: World, run: Any) -> None:
    """A deploy asks for a plugin without the one that it builds on; every session of a mailbox ends at its start."""
    dovecot_conf("mail_plugins = zlib mail_crypt_acl\n")
    sh("doveadm -c /srv/shop/dovecot/dovecot.conf reload")
