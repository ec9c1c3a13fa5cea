"""Somebody guesses the passwords of an sshd on the loopback. Needs rsyslog, sshpass. Software: sshd, PAM."""
import subprocess
import time

from stage import Stage

stage = Stage("auth_failures", "auth_failures", "sshd, PAM, rsyslog")
(stage.home / "rsyslog.conf").write_text(f"""
global(localHostname="web-1" workDirectory="{stage.home}")
module(load="imuxsock" SysSock.Name="/dev/log")
auth,authpriv.*;daemon.* action(type="omfile" file="{stage.log}" template="RSYSLOG_TraditionalFileFormat")
""")
subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stage.home / "host")], check=True)
subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stage.home / "id")], check=True)
subprocess.run(["useradd", "-m", "deploy"], check=False)
(stage.home / "authorized").write_text((stage.home / "id.pub").read_text())
(stage.home / "authorized").chmod(0o644)
(stage.home / "sshd_config").write_text(f"""
Port 2222
ListenAddress 127.0.0.1
HostKey {stage.home}/host
PidFile {stage.home}/sshd.pid
AuthorizedKeysFile {stage.home}/authorized
UsePAM yes
PasswordAuthentication yes
StrictModes no
""")
syslog = subprocess.Popen(["rsyslogd", "-n", "-f", str(stage.home / "rsyslog.conf"),
                           "-i", str(stage.home / "pid")])
time.sleep(1)
subprocess.run(["mkdir", "-p", "/run/sshd"], check=True)
server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(stage.home / "sshd_config")])
time.sleep(1)
COMMON = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-p", "2222"]


def good(n: int) -> None:
    if n % 8 == 0:
        bad("deploy", "mistyped")
    subprocess.run(["ssh", "-i", str(stage.home / "id"), *COMMON, "-o", "BatchMode=yes", "deploy@127.0.0.1",
                    "true"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def bad(user: str, password: str) -> None:
    subprocess.run(["sshpass", "-p", password, "ssh", *COMMON, "-o", "PubkeyAuthentication=no",
                    "-o", "NumberOfPasswordPrompts=1", f"{user}@127.0.0.1", "true"], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def guess(n: int) -> None:
    bad(("root", "admin", "deploy", "oracle", "test")[n % 5], f"secret{n}")


stage.run(45, good, pause=3)
stage.fails_now()
stage.run(30, guess, pause=0.1)
stage.run(25, lambda n: good(n % 7), pause=3)
server.terminate()
syslog.terminate()
subprocess.run(["userdel", "-r", "deploy"], check=False, stderr=subprocess.DEVNULL)
stage.finish()
