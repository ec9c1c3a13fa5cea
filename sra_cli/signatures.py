"""`sra server signatures`: list them, and try own ones before the server does. From the shell; to detect."""
from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sra_sdk.errors import BadInput

from . import output

if TYPE_CHECKING:
    from sra_server.detect.signature import Signature
    from sra_server.detect.trial import Found

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                  help="What texts mean: list, and try own ones.")
_SHOWN = 200
#: How a signature looks, for who has none yet.
LOOKS = '''[[signature]]
name = "press_jammed"
class = "service_crash"
severity = "high"
title = "the press is jammed"
means = "the printing press stands still until somebody clears it"
any = ["press jammed", "paper feed stopped"]
examples = ["2024-03-05 10:00:00,123 ERROR roll 7: press jammed"]
'''


@app.callback()
def group() -> None:
    """What texts mean: list the catalogue, and try own signatures before the server reads them."""


@app.command("list")
def list_(
    text: Annotated[str, typer.Argument(
        help="Only those whose name, class or software contains this.")] = "",
    folder: Annotated[Path | None, typer.Option(
        "--dir", metavar="DIR", help="Your own; else where the server would look for them.")] = None,
    config: Annotated[Path | None, typer.Option(
        metavar="FILE", help="An sra.toml; else the one of the working directory.")] = None,
    data_dir: Annotated[str | None, typer.Option(
        metavar="DIR", help="The server's data folder; else SRA_DATA_DIR.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the signatures, yours as well, in the order in which they are tried.

    Yours are found as the server finds them: [server] signatures_dir of sra.toml, SRA_SIGNATURES_DIR,
    signatures.d in the data folder, /etc/sra/signatures.d.

    \b
    Examples:
      sra server signatures list
      sra server signatures list postgresql
    """
    from sra_server.config import ServerConfig
    from sra_server.detect.catalogue import load_with
    loaded = load_with(folder or ServerConfig.load(config, data_dir=data_dir).signatures)
    for problem in loaded.problems:
        output.tell(f"left out: {output.plain(problem)}")
    wanted = [each for each in loaded.catalogue.signatures
              if text.lower() in " ".join((each.name, each.cls, *each.software)).lower()]
    if as_json:
        output.emit([{"name": each.name, "class": each.cls, "severity": each.severity, "title": each.title,
                      "means": each.means, "software": list(each.software), "count": each.count,
                      "window": each.window, "remedies": list(each.remedies)} for each in wanted])
        return
    output.table(("NAME", "CLASS", "SEVERITY", "NEEDS", "MEANS"),
                 [(each.name, each.cls, "-" if each.cls in ("harmless", "stopped") else each.severity,
                   _needs(each), each.means) for each in wanted], empty="No such signature.")


@app.command()
def check(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A signature file, or a folder of them.")],
    logs: Annotated[list[str] | None, typer.Argument(
        metavar="[LOG]...", help="Log files to try them on, or - for standard input.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read signature files, try each signature on its own examples, and on log lines if some are given.

    Exit code 2 if a file cannot be used or there is no signature, 1 if an example is judged wrongly. Notices
    (a pattern that costs much, a signature that fits nearly everything) leave it at 0.

    \b
    Examples:
      sra server signatures check /etc/sra/signatures.d
      sra server signatures check press.toml /var/log/press.log
      journalctl -u press | sra server signatures check press.toml -
    """
    from sra_server.detect.catalogue import Catalogue, load, read_file
    from sra_server.detect.trial import faults, remarks, tried
    if not path.exists():
        raise BadInput(f"there is no {path}", hint="name a signature file or a folder of them")
    own: list[Signature] = []
    unusable: list[str] = []
    names: dict[str, Path] = {}
    for file in sorted(path.glob("*.toml")) if path.is_dir() else [path]:
        try:
            read = read_file(file, own=True)
        except BadInput as problem:
            unusable.append(f"{problem.message}; {problem.hint}" if problem.hint else problem.message)
            continue
        unusable += [f"{file}: signature {each.name}: name is taken in {names[each.name].name}"
                     for each in read if each.name in names]
        names.update({each.name: file for each in read if each.name not in names})
        own += read
    if none := not own and not unusable:
        unusable = [f"{path}: there is no signature, which begins with [[signature]]"]
    catalogue = Catalogue((*own, *(each for each in load().signatures if each.name not in names)))
    problems = unusable + [fault for each in own for fault in faults(catalogue, each)]
    found = [(log, each) for log in logs or () for each in tried(catalogue, _lines(log), source=log)]
    loud = [(log, each) for log, each in found if each.fits]
    doubts = [remark for each in own
              for remark in remarks(each, load().signatures, [one for _, one in found])]
    if as_json:
        output.emit({"signatures": sorted(names), "problems": problems, "remarks": doubts,
                     "records": len(found),
                     "found": [_told(log, each) for log, each in loud]})
    else:
        _print(own, problems, doubts, loud, found)
        if none:
            output.show(f"what to do: write them like this one\n\n{LOOKS}")
    if problems:
        raise typer.Exit(2 if unusable else 1)


def _print(own: list[Signature], problems: list[str], doubts: list[str], loud: list[tuple[str, Found]],
           found: list[tuple[str, Found]]) -> None:
    if own:
        output.show(f"{_many(len(own), 'signature')} can be read")
    for problem in problems:
        output.show(f"{output.colour('failed', 'failed')}  {output.plain(problem)}")
    for doubt in doubts:
        output.show(f"notice  {output.plain(doubt)}")
    for log, each in loud[:_SHOWN]:
        meaning = each.meaning
        text = output.plain(each.record.message.split("\n", 1)[0])[:160]
        name = f"{meaning.cls}  {meaning.name}" if meaning else f"harmless  {each.fits[0].name}"
        output.show(f"{output.plain(log)}:{each.record.line}: {name}: {text}")
    if len(loud) > _SHOWN:
        output.tell(f"and {len(loud) - _SHOWN} more")
    if found:
        counts = Counter(each.meaning.name for _, each in loud if each.meaning)
        heard = sum(each.record.level >= 30 for _, each in found)
        told = ", ".join(f"{n} {name}" for name, n in counts.most_common()) or "none means a trouble"
        output.tell(f"{_many(len(found), 'record')}, {heard} of them at warning or above; {told}")


def _told(log: str, found: Found) -> dict[str, object]:
    return {"source": log, "line": found.record.line, "text": found.record.message,
            "signature": found.meaning.name if found.meaning else None,
            "class": found.meaning.cls if found.meaning else "harmless",
            "also": [each.name for each in found.fits if each is not found.meaning]}


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _needs(signature: Signature) -> str:
    return "one line" if signature.count == 1 else f"{signature.count} in {signature.window} s"


def _lines(log: str) -> list[str]:
    import sys
    if log == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(log).read_text("utf-8", "replace").splitlines()
    except OSError as problem:
        raise BadInput(f"{log} cannot be read: {problem.strerror}", hint="name a log file, or -") from problem
