"""The triggers, one file per family. A trigger parses, calls one use case and shapes the answer; no rule lives here.

`routes.py` is the table of contents of those that HTTP triggers.
"""
