"""A JVM runs out of heap, and another out of workers. Needs a JDK. Software: the Java runtime."""
import subprocess
import sys
import time
from pathlib import Path

from stage import Stage

HERE = Path(__file__).resolve().parent
KINDS = {"memory": ("memory_exhaustion", "memory_exhaustion"), "threads": ("cpu_overload", "cpu_overload")}
kind = sys.argv[1]
name, cls = KINDS[kind]
stage = Stage(name, cls, "Java")
subprocess.run(["javac", "-d", str(stage.home), str(HERE / "Catalog.java")], check=True)
service = subprocess.Popen(["java", "-Xmx48m", "-cp", str(stage.home), "Catalog", kind, str(stage.log),
                            "40", "20"], stderr=stage.log.open("ab"))
time.sleep(39.5)
stage.fails_now()
service.wait()
stage.finish()
