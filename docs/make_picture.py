"""Draw docs/demo.svg: run `sra demo --yes` on a terminal of its own and render what it printed.

    .venv/bin/python docs/make_picture.py
"""
from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 116
TARGET = Path(__file__).with_name("demo.svg")

#: As rich's own, without the fonts that it would load from the network.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def on_a_terminal(argv: list[str]) -> str:
    """Return what a program prints when it believes to write to a person."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "LINES": "50", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(argv, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        os.close(follower)
        seen = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            seen += piece
    os.close(leader)
    if process.returncode != 0:
        raise SystemExit(f"{argv} ended with {process.returncode}:\n{seen.decode(errors='replace')}")
    text = seen.decode("utf-8", "replace").replace("\r\n", "\n")
    # what a line held before the terminal erased it was only for the moment
    lines = [re.split(r"\x1b\[2K|\r", line)[-1] for line in text.split("\n")]
    moving = re.compile(r"(?:\x1b\[[\d;?]*[A-Za-z])*[\u2800-\u28ff]")
    return "\n".join(line for line in lines if not moving.match(line))


def neutral(text: str) -> str:
    """Return the text without the places of this machine, which say nothing to a reader."""
    text = text.replace(str(Path(sys.executable).parent) + "/", "").replace(f"{Path.cwd()}/", "")
    return re.sub(re.escape(tempfile.gettempdir()) + r"/sra-demo-\w+", "/srv/demo", text)


def main() -> int:
    """Run the demo and write the picture."""
    printed = neutral(on_a_terminal([sys.executable, "-m", "sra_cli", "demo", "--yes"]))
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ make demo\n{printed.rstrip()}"), soft_wrap=False)
    TARGET.write_text(console.export_svg(title="make demo", code_format=FORMAT), encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
