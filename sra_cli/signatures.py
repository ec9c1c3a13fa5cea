"""`sra signatures`: list and show them, try own ones before the server does. From the shell; to detect."""
from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sra_sdk.errors import BadInput

from . import output

if TYPE_CHECKING:
    from sra_server.detect.catalogue import Catalogue
    from sra_server.detect.signature import Signature
    from sra_server.detect.trial import Found

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None,
                  help="What texts mean: list, show, and try own ones. Needs no server.",
                  context_settings={"help_option_names": ["-h", "--help"]})
Folder = Annotated[Path | None, typer.Option(
    "--dir", metavar="DIR", help="Your own; else where the server would look for them.")]
Config = Annotated[Path | None, typer.Option(
    metavar="FILE", help="An sra.toml; else the one of the working directory.")]
DataDir = Annotated[str | None, typer.Option(
    metavar="DIR", help="The server's data folder; else SRA_DATA_DIR.")]
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
    """What texts mean: list the catalogue, and try own signatures before the server reads them.

    \b
    Examples:
      sra signatures list postgresql
      sra signatures show no_space
      sra signatures check ./own.toml
    """


@app.command("list")
def list_(
    text: Annotated[str, typer.Argument(
        help="Only those whose name, class or software contains this.")] = "",
    folder: Folder = None, config: Config = None, data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the signatures, yours as well, in the order in which they are tried.

    Yours are found as the server finds them: [server] signatures_dir of sra.toml, SRA_SIGNATURES_DIR,
    signatures.d in the data folder, /etc/sra/signatures.d.

    \b
    Examples:
      sra signatures list
      sra signatures list postgresql
    """
    wanted = [each for each in _catalogue(folder, config, data_dir).signatures
              if text.lower() in " ".join((each.name, each.cls, *each.software)).lower()]
    if as_json:
        output.emit([_fields(each) for each in wanted])
        return
    output.table(("NAME", "CLASS", "SEVERITY", "NEEDS", "MEANS"),
                 [(each.name, each.cls, "-" if each.cls in ("harmless", "stopped") else each.severity,
                   _needs(each), each.means) for each in wanted],
                 empty=f"no signature has {text!r} in its name, class or software; see sra signatures list")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `sra signatures list` shows it.")],
    folder: Folder = None, config: Config = None, data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what one signature means, what it needs, and the lines that it is tested with.

    \b
    Examples:
      sra signatures show no_space
      sra signatures show no_space --json | jq '.examples[]'
    """
    catalogue = _catalogue(folder, config, data_dir)
    found = catalogue.by_name.get(name)
    if found is None:
        near = get_close_matches(name, [each.name for each in catalogue.signatures], 3, 0.5)
        raise BadInput(f"no signature has the name {name!r}",
                       hint=f"did you mean {' or '.join(near)}?" if near else "sra signatures list")
    if as_json:
        output.emit({**_fields(found), "examples": list(found.examples),
                     "counterexamples": list(found.counterexamples)})
        return
    output.show(f"{found.name}: {output.plain(found.title)}")
    severity = "" if found.cls in ("harmless", "stopped") else f", {output.colour(found.severity)}"
    output.show(f"  class {found.cls}{severity}; needs {_needs(found)}")
    output.show(f"  means: {output.plain(found.means)}")
    for what, values in (("software", found.software), ("would help", found.remedies)):
        if values:
            output.show(f"  {what}: {output.plain(', '.join(values))}")
    for what, lines in (("such lines are found", found.examples),
                        ("and such are not", found.counterexamples)):
        if lines:
            output.show(f"  {what}:")
        for line in lines:
            output.show(f"    {output.plain(line)}")


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
      sra signatures check /etc/sra/signatures.d
      sra signatures check press.toml /var/log/press.log
      journalctl -u press | sra signatures check press.toml -
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
    wrong = [fault for each in own for fault in faults(catalogue, each)]
    problems = unusable + wrong
    examples = sum(len(each.examples) + len(each.counterexamples) for each in own)
    # that there is no example at all is a fault as well, and none of an example
    passed = examples - len(wrong) + sum(not each.examples for each in own)
    found = [(log, each) for log in logs or () for each in tried(catalogue, _lines(log), source=log)]
    loud = [(log, each) for log, each in found if each.fits]
    doubts = [remark for each in own
              for remark in remarks(each, load().signatures, [one for _, one in found])]
    if as_json:
        output.emit({"signatures": sorted(names), "problems": problems, "remarks": doubts,
                     "examples": examples, "passed": passed, "records": len(found),
                     "found": [_told(log, each) for log, each in loud]})
    else:
        if own:
            output.show(f"{_many(len(own), 'signature')} can be read; {passed} of "
                        f"{_many(examples, 'example')} judged rightly")
        _print(problems, doubts, loud, found)
        if none:
            output.show(f"what to do: write them like this one\n\n{LOOKS}")
    if problems:
        raise typer.Exit(2 if unusable else 1)


def _catalogue(folder: Path | None, config: Path | None, data_dir: str | None) -> Catalogue:
    from sra_server.config import ServerConfig
    from sra_server.detect.catalogue import load_with
    loaded = load_with(folder or ServerConfig.load(config, data_dir=data_dir).signatures)
    for problem in loaded.problems:
        output.tell(f"left out: {output.plain(problem)}")
    return loaded.catalogue


def _fields(each: Signature) -> dict[str, object]:
    return {"name": each.name, "class": each.cls, "severity": each.severity, "title": each.title,
            "means": each.means, "software": list(each.software), "count": each.count,
            "window": each.window, "remedies": list(each.remedies)}


def _print(problems: list[str], doubts: list[str], loud: list[tuple[str, Found]],
           found: list[tuple[str, Found]]) -> None:
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
