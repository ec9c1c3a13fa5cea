"""Every place that writes, renames, syncs, commits or sends can be killed at, and is: read from the source.

A new crash point that no test strikes fails here, and so does a new write without one.
"""
from __future__ import annotations

from tests.acceptance import test_executor_crash

from . import places, struck

_JOURNAL = ("one transaction; the places of conduct.py stand right after it, and test_executor_crash kills "
            "at random moments within it")
_ANSWERS = "asks or tells anew until it is answered; nothing is written here and a repetition does no harm"
_OUTPUT = "files of what a step printed; lost or left, they change no fact, and tidy() bounds them"

#: Functions that write or send without a crash point, and why.
EXCEPTIONS = {
    ("sra_agent/connection.py", "Connection._ask"): "the transport; whoever sends a batch has the places",
    ("sra_agent/connection.py", "Connection.post"): "the transport; whoever sends a batch has the places",
    ("sra_agent/ends.py", "ask_ends"): _ANSWERS,
    ("sra_agent/ends.py", "fetch_ends"): _ANSWERS,
    ("sra_agent/relay.py", "Relay._acknowledge"): _ANSWERS,
    ("sra_agent/relay.py", "Relay._announcing"): _ANSWERS,
    ("sra_agent/relay.py", "Relay._hand_over"): _ANSWERS,
    ("sra_agent/relay.py", "Relay._learn"): _ANSWERS,
    ("sra_agent/relay.py", "Relay._polling"): _ANSWERS,
    ("sra_agent/relay.py", "Relay.serve"): _ANSWERS,
    ("sra_agent/sources/files.py", "Files._scan"): "begins to follow a file; no transaction",
    ("sra_agent/spool_rows.py", "writing"): "the transaction itself; each block within it has its place",
    ("sra_agent/spool.py", "Spool.open"): "an older spool's tally, not read again; set_aside follows",
    ("sra_agent/executor.py", "_serve_path"): "a socket's name, which the next start removes first",
    ("sra_agent/quarantine.py", "Quarantine.drop"): "a person's command: done whole or not at all",
    ("sra_agent/quarantine.py", "Quarantine.resend"): "a person's command: done whole or not at all",
    ("sra_agent/heal/advise.py", "write_policy"): "a person's command: replaced whole or not at all",
    ("sra_agent/heal/audit.py", "Audit.append"): "one line; a torn one is cut at the next start (test_audit)",
    ("sra_agent/heal/audit.py", "_cut_torn_end"): "cut again at the next start",
    ("sra_agent/heal/journal.py", "Journal.accept"): _JOURNAL,
    ("sra_agent/heal/journal.py", "Journal.finish"): _JOURNAL,
    ("sra_agent/heal/journal.py", "Journal.intend"): _JOURNAL,
    ("sra_agent/heal/journal.py", "Journal.keep_plan"): _JOURNAL,
    ("sra_agent/heal/run.py", "Runner.run"): _OUTPUT,
    ("sra_agent/heal/run.py", "Runner.tidy"): _OUTPUT,
    ("sra_agent/heal/run.py", "_ends"): _OUTPUT,
    ("sra_server/notify/post.py", "post"): "the transport; the outbox has the places before and after it",
    ("sra_server/store/distribute.py", "distribute"): "a person's command: given again it goes on "
                                                      "with the next table (test_distribute)",
}


def test_every_place_is_killed_at():
    executor = {"sra_agent/heal/conduct.py": set(test_executor_crash.POINTS)}
    agent = struck.together(struck.AGENT, struck.AGENT_NEW, struck.AGENT_DAMAGED, struck.AGENT_FULL,
                            struck.AGENT_REFUSED, struck.AGENT_RENEWED, struck.AGENT_RESENT,
                            struck.AGENT_COUNTS)
    assert places.of("sra_agent") == agent | executor
    server = [table[database] for table in (struck.LOAD, struck.START, struck.AFTER)
              for database in ("sqlite", "postgresql")]
    assert places.of("sra_server") == struck.together(*server)


def test_whatever_writes_or_sends_can_be_killed_at():
    found = places.bare("sra_agent") | places.bare("sra_server")
    new = {where: what for where, what in found.items() if where not in EXCEPTIONS}
    assert not new, f"no crash point before or after, and not in EXCEPTIONS: {new}"
    gone = EXCEPTIONS.keys() - found.keys()
    assert not gone, f"exceptions that are none any more: {gone}"
