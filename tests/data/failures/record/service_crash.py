"""A program under supervisord crashes by a segmentation fault, again and again. Software: supervisord."""
import subprocess
import time

from stage import Stage

WORKER = '''
import ctypes, pathlib, sys, time
while True:
    time.sleep(0.5)
    if pathlib.Path(sys.argv[1]).exists():
        ctypes.string_at(0)
'''
stage = Stage("service_crash", "service_crash", "supervisord")
(stage.home / "worker.py").write_text(WORKER)
broken = stage.home / "broken"
(stage.home / "supervisord.conf").write_text(f"""
[supervisord]
logfile={stage.log}
pidfile={stage.home}/supervisord.pid
nodaemon=true
[unix_http_server]
file={stage.home}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{stage.home}/supervisor.sock
[program:checkout]
command=/usr/bin/python3 {stage.home}/worker.py {broken}
startsecs=1
startretries=3
stdout_logfile=NONE
stderr_logfile=NONE
[program:mailer]
command=/bin/sleep 3600
stdout_logfile=NONE
stderr_logfile=NONE
""")
server = subprocess.Popen(["supervisord", "-c", str(stage.home / "supervisord.conf")],
                          stdout=subprocess.DEVNULL)
control = ["supervisorctl", "-c", str(stage.home / "supervisord.conf")]
time.sleep(5)
for _ in range(3):
    subprocess.run([*control, "restart", "mailer"], check=False, stdout=subprocess.DEVNULL)
    time.sleep(10)
stage.fails_now()
broken.touch()
time.sleep(25)
broken.unlink()
subprocess.run([*control, "start", "checkout"], check=False, stdout=subprocess.DEVNULL)
time.sleep(20)
subprocess.run([*control, "restart", "mailer"], check=False, stdout=subprocess.DEVNULL)
server.terminate()
server.wait()
stage.finish()
