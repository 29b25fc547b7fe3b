"""Audit events of exec() and eval(), of text and of code objects."""

import sys

seen = []


def hook(event, args):
    if watching and event in ("exec", "compile"):
        seen.append(event)


def asked(what, source):
    global watching
    seen.clear()
    watching = True
    what(source)
    watching = False
    return list(seen)


watching = False
sys.addaudithook(hook)
CODE = compile("1", "audits", "eval")
for turn in range(2):
    for what in (eval, exec):
        print(what.__name__, asked(what, "1 + 1"), asked(what, CODE))
