"""Healing on the host: policy, decision, plan, journal, act, verify. From the executor process alone.

    task ── policy_file ─ policy_read ─ decide ─ plan ─ conduct ─ run ─ verify ── answer
                                                           │
                                                     journal, audit

Nothing in here imports the shipper, and no text that came over the network becomes part of a command.
"""
