"""Every few seconds: how many messages wait in the queue."""
import base64
import json
import time
import urllib.request

head = {"Authorization": "Basic " + base64.b64encode(b"warden:watch").decode()}
while True:
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    try:
        with urllib.request.urlopen(urllib.request.Request("http://rmq.mill.lan:15672/api/queues/mill/grain", headers=head), timeout=5) as got:
            queue = json.load(got)
        depth, takers = queue.get("messages", 0), queue.get("consumers", 0)
        level = "WARNING" if depth > 25 else "INFO"
        print(f"[{stamp}] {level} queue=grain depth={depth} consumers={takers}", flush=True)
    except OSError as error:
        print(f"[{stamp}] ERROR queue=grain cannot be read: {error}", flush=True)
    time.sleep(5)
