"""The prompt on a terminal, beside CPython's: the same text for the same typing."""

import re

import pytest

PROMPT = r"a?>>> |\.\.\. |\? |\(Pdb\) "
INTERRUPT, END = "\x03", "\x04"
CONTROL = (INTERRUPT, END)

# what is typed, line by line, each at the next prompt; END is added
SESSIONS = {
    "nothing": [],
    "an expression": ["1 + 1", "_", "_ * 2", "_"],
    "None is not shown": ["None", "x = 5", "x"],
    "underscore of one's own": ["_ = 3", "4", "_", "del _", "5", "_"],
    "several on a line": ["1; 2; x = 3; x"],
    "comments and empty lines": ["# comment", "", "  # indented", "   ", "1 # after"],
    "if": ["x = 5", "if x:", "    # inside", "    print(1)", ""],
    "if and else": ["if 0:", "  1", "else:", "  2", ""],
    "if and else on lines": ["if 0: 1", "else: 2", ""],
    "a loop shows values": ["for i in range(3): i", "", "i"],
    "a function": ["def f(a,", "      b):", "    return a + b", "", "f(1, 2)"],
    "a class": ["class A:", "  x = 1", "", "  def f(self): return self.x", "A.x", "A().f()"],
    "a class, indented lines": ["class A:", "  x = 1", "  def f(self):", "    return 2", "", "A().f()"],
    "a decorator": ["@staticmethod", "def f(): pass", "", "f"],
    "a decorator and nothing": ["@f", ""],
    "with": ["with open('/dev/null') as f:", "  f.read()", ""],
    "try": ["try: 1/0", "except ZeroDivisionError as e: e", "finally: 2", ""],
    "try and nothing": ["try: 1/0", ""],
    "a class and nothing": ["class A:", ""],
    "else and nothing": ["if 1:", "  x = 5", "else:", ""],
    "match": ["match [1, 2]:", "  case [a, b]:", "    a, b", ""],
    "a generator": ["g = (i for i in 'ab')", "next(g)", "next(g)", "next(g)"],
    "brackets": ["x = [", "1,", "", "2]", "x"],
    "brackets in a block": ["if 1:", "  x = (", "", "1)", "", "x"],
    "triple quotes": ["'''a", "", "b'''"],
    "triple quotes in a block": ["def f():", "  '''", "", "  '''", "", "f.__doc__"],
    "a backslash": ["x = 1 + \\", "2", "x"],
    "a backslash and nothing": ["x = 1\\", "", "x"],
    "a backslash and nothing, in error": ["x = \\", "", "1"],
    "a comment in a block": ["if 1:", "  2", "# c", "  3", ""],
    "spaces in a block": ["if 1:", "  2", "   ", "  3", ""],
    "async comprehension": ["async def f(): return [i async for i in g()]", "", "f.__name__"],
    "lambda with yield": ["list((lambda: (yield 1))())"],
    "walrus": ["(x := 5)", "x"],
    "star": ["print(*[1, 2], sep='-')", "a, *b = 1, 2, 3", "b"],
    "future": ["from __future__ import annotations", "def f(x: y): pass", "", "f.__annotations__"],
    # errors
    "an exception": ["1/0", "import sys; sys.last_value", "sys.last_traceback.tb_lineno"],
    "an exception in a function": ["def f():", "    raise ValueError('x')", "", "f()"],
    "a chained exception": ["try: 1/0", "except Exception as e: raise KeyError(1) from e", ""],
    "a long recursion": ["def f(): f()", "", "f()"],
    "an exception of the library": ["import json", "json.loads('{')"],
    "an exception in repr": ["class A:", "  def __repr__(self): 1/0", "", "A()", "[A()]"],
    "a name that is missing": ["nam", "prin(1)"],
    "a syntax error": ["x = = 1", "1"],
    "a syntax error in a block": ["def f(", "1):", "  return 2", "", "f(1)"],
    "a syntax error after a block": ["if 1:", "  2", "3"],
    "a syntax error at the end": ["1 +", "(1 +", "2))"],
    "wrong indentation": ["  1", "if 1:", "print(2)", "\t1"],
    "an open string": ["x = 'abc", "f'{'"],
    "unknown characters": ["$", "!", "€"],
    "return outside": ["return 1", "yield 2", "await x"],
    "a warning": ["1 is 1", "assert (1, 2)"],
    "an escape": ["'\\ud800'", "'\\N{nope}'"],
    "characters beyond ASCII": ["é = 'ü€😀'", "é", "print(é)"],
    "deep parentheses": ["x = " + "(" * 250],
    # input and output
    "input": ["x = input('? ')", "hello", "x"],
    "two inputs": ["input('? '), input('? ')", "1", "2"],
    "end of input in input": ["input('? ')", END, "1"],
    "output without newline": ["print('a', end='')", "1"],
    "stderr": ["import sys; print('e', file=sys.stderr)"],
    "stdout replaced": ["import sys, io", "sys.stdout = io.StringIO()", "1", "sys.stdout = sys.__stdout__", "2"],
    "stdin replaced": ["import sys, io", "sys.stdin = io.StringIO('a')", "sys.stdin.read()", "1"],
    # its own names
    "prompts": ["import sys", "sys.ps1 = '? '", "if 1:", "  2", "", "sys.ps1 = '>>> '"],
    "prompts that are objects": ["import sys", "class P:", "  def __str__(self): return '? '", "", "sys.ps1 = P()", "1"],
    "prompt deleted": ["import sys", "del sys.ps2", "(1,\n2)", "3"],
    "display hook": ["import sys", "sys.displayhook = lambda x: print('shown', x)", "5", "None"],
    "display hook that fails": ["import sys", "sys.displayhook = lambda x: 1/0", "5", "x = 1"],
    "exception hook": ["import sys", "sys.excepthook = lambda *a: print('hook', a[1])", "1/0", "x =", "raise KeyboardInterrupt"],
    "exception hook that fails": ["import sys", "sys.excepthook = lambda *a: {}[1]", "1/0"],
    "names in main": ["__name__, __doc__, __package__, __spec__", "import __main__; __main__.x = 4", "x", "sorted(globals())"],
    "stack": ["import sys, traceback", "sys._getframe().f_back", "traceback.print_stack()", "sys._getframe().f_code.co_filename"],
    "arguments": ["import sys", "sys.argv, sys.path[0]"],
    "pickle": ["import pickle", "class A: pass", "", "type(pickle.loads(pickle.dumps(A())))"],
    "help text": ["exit", "quit", "copyright"],
    # ends
    "end in a block": ["if 1:", "  2", END, "3"],
    "end in an open block": ["if 1:", END, "3"],
    "end in brackets": ["x = (", END, "3"],
    "end after a backslash": ["1+\\", END, "3"],
    "interrupt": [INTERRUPT, "1"],
    "interrupt in a line": ["1 +" + INTERRUPT, "1"],
    "interrupt in a block": ["if 1:", "  2", INTERRUPT, "3"],
    "interrupt raised": ["raise KeyboardInterrupt", "1"],
    "interrupt raised at the end": ["raise KeyboardInterrupt"],
    "SystemExit": ["raise SystemExit(3)"],
    "SystemExit with text": ["raise SystemExit('bye')"],
    "SystemExit in a function": ["def f(): raise SystemExit(4)", "", "f()"],
    "exit": ["exit()"],
    "quit with a code": ["quit(5)"],
    "killed": ["import os", "os._exit(6)"],
    "exit hooks": ["import atexit", "atexit.register(print, 'bye')"],
    "threads": ["import threading", "t = threading.Thread(target=lambda: 1/0, name='t')", "t.start(); t.join()"],
    "debugger": ["def f(x):", "  y = x + 1", "  return y", "", "import pdb; pdb.run('f(1)')", "s", "s", "s", "p x", "c"],
    "asyncio": ["import asyncio", "async def f():", "  await asyncio.sleep(0); return 5", "", "asyncio.run(f())"],
}  # fmt: skip


END_THEMSELVES = {
    "SystemExit", "SystemExit with text", "SystemExit in a function", "exit", "quit with a code",
    "killed",
}  # fmt: skip


def transcript(terminal, typed):
    for line in typed:
        terminal.wait_for(PROMPT)
        if line.endswith(INTERRUPT):
            terminal.settle()
        terminal.type(line if line.endswith(CONTROL) else f"{line}\n")
    return terminal.end()


@pytest.mark.parametrize("name", SESSIONS)
def test_session_reads_as_in_cpython(name, terminal):
    lines = SESSIONS[name]
    if name not in END_THEMSELVES:
        lines = [*lines, END]

    plain = transcript(terminal("-q"), lines)
    ours = transcript(terminal("-q", "-m", "pyrs"), lines)

    assert ours.text == plain.text
    assert ours.code == plain.code


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["-i", "-c", "x = 1"], {}),
        (["-i", "script.py", "a"], {"script.py": "import sys\nx = sys.argv\nprint(x)"}),
        (["-i", "script.py"], {"script.py": "x = 1\nimport sys\nsys.exit(3)"}),
        (["-i", "script.py"], {"script.py": "def f(): 1/0\nx = 2\nf()"}),
        (["-i", "-m", "script"], {"script.py": "x = __name__\n1/0"}),
        (["-i", "script.py"], {"script.py": "x = ="}),
        (["-i", "missing.py"], {}),
    ],
    ids=str,
)
def test_prompt_after_a_program(words, files, terminal):
    lines = ["x", "__name__", "'__file__' in globals()", END]

    plain = transcript(terminal(*words, files=files), lines)
    ours = transcript(terminal("-m", "pyrs", *words, files=files), lines)

    assert ours == plain


@pytest.mark.parametrize(
    "startup",
    ["x = 5\nprint(__file__, __name__)", "1/0", "x = = 1", None, "import sys; sys.exit(3)",
     "import sys; sys.ps1 = '? '", "import sys; del sys.__interactivehook__",
     "import sys\nsys.__interactivehook__ = lambda: print('hook')\ndef f(): pass",
     "import sys; sys.__interactivehook__ = lambda: 1/0"],
)  # fmt: skip
def test_startup_file(startup, terminal):
    files = {} if startup is None else {"startup.py": startup}
    lines = [] if startup and "sys.exit" in startup else ["x", "'__file__' in globals()", END]
    env = {"PYTHONSTARTUP": "startup.py"}

    plain = transcript(terminal("-q", files=files, env=env), lines)
    ours = transcript(terminal("-q", "-m", "pyrs", env=env), lines)

    assert ours == plain


@pytest.mark.parametrize(
    "loop",
    [
        "while True: pass",
        "while 1: x = sum(range(10))",
        "for i in iter(int, 1): pass",
        "[f for f in iter(int, 1)]",
        "import time; time.sleep(30)",
        "def f():\n  while True: pass\nf()",
        "def f():\n  for i in iter(int, 1): pass\nf()",
    ],
)
def test_interrupt_of_what_runs(loop, terminal):
    def session(*words):
        at = terminal(*words, files={"looping.py": f"print('on')\n{loop}\n"})
        at.wait_for(PROMPT)
        at.type("import looping\n")
        at.wait_for(r"on\n")
        at.read(0.3)
        at.type(INTERRUPT)
        return transcript(at, ["1 + 1", END])

    plain, ours = session("-q"), session("-q", "-m", "pyrs")

    assert without_carets(ours.text) == without_carets(plain.text)
    assert ours.code == plain.code


def without_carets(text):
    """Which part of a line is interrupted is a matter of luck."""
    return re.sub(r"^ *\^+\n", "", text, flags=re.M)


def test_history_and_completion_are_pythons(terminal, tmp_path):
    def session(*words):
        at = terminal(*words)
        at.wait_for(PROMPT)
        at.type("zebra_crossing = 7\n")
        at.wait_for(PROMPT)
        at.type("zebra_cr\t\n")  # completed
        at.wait_for(PROMPT)
        at.type("\x1b[A\x1b[A\n")  # two up: the assignment again
        at.wait_for(PROMPT)
        at.type("import sy\t\n")  # not completed: the terminal rings
        at.wait_for(PROMPT)
        at.type("sy\ts.argv\n")
        at.wait_for(PROMPT)
        return transcript(at, [END])

    plain = session("-q")
    ours = session("-q", "-m", "pyrs")

    assert ours == plain
    assert "zebra_crossing" in (tmp_path / "terminal/.python_history").read_text()


def test_banner_names_both(terminal):
    ours = transcript(terminal("-m", "pyrs"), [END])

    assert ours.text.startswith("pyrs ")
    assert ", Python 3." in ours.text.splitlines()[0]
    assert '"help"' in ours.text.splitlines()[1]


# -- commands of ours ----------------------------------------------------------------------------


def said(terminal, *lines):
    """What stands between the prompts of these lines."""
    text = transcript(terminal("-q", "-m", "pyrs"), [*lines, END]).text
    return [part.partition("\n")[2] for part in text.split(">>> ")[1:-1]]


def test_commands_look_at_functions(terminal):
    *_, dis, explained = said(
        terminal, "def f(x): return x + 1", "", "f(1)", ":dis f", ":explain f"
    )

    assert "ADD" in dis
    assert "refused: None" in explained
    assert "instructions: " in explained


def test_commands_time_and_count(terminal):
    timed, counted, reset, again = said(terminal, ":time x = 5", ":stats", ":stats reset", ":stats")

    assert timed.endswith(" s\n")
    assert counted.startswith("pyrs: native ")
    assert reset == ""
    assert again.startswith("pyrs: native 0 ")


def test_engine_is_chosen(terminal):
    shown, chosen, where, back = said(
        terminal, ":engine", ":engine cpython", "sum(i for i in [1, 2])", ":engine vm"
    )

    assert shown == "vm\n"
    assert chosen == "cpython: chosen at the prompt\n"
    assert where == "3\n"
    assert back == "vm\n"


def test_commands_say_what_is_wrong(terminal):
    unknown, missing, name, number, engine, after = said(
        terminal, ":nope", ":dis", ":dis nope", ":dis 5", ":engine x", "1"
    )

    assert unknown == "no command :nope\nhint: :help\n"
    assert missing == "SyntaxError: an expression is expected\n"
    assert "NameError: name 'nope' is not defined" in name
    assert number.endswith("TypeError: dis() expects a Python function or a code object, not int\n")
    assert engine.endswith("ValueError: vm or cpython is expected, not 'x'\n")
    assert "pyrs" not in name + number
    assert after == "1\n"


def test_help_lists_the_commands(terminal):
    (text,) = said(terminal, ":help")

    assert [line.split()[0] for line in text.splitlines()] == [
        ":dis", ":engine", ":explain", ":help", ":stats", ":time",
    ]  # fmt: skip


def test_statement_runs_in_the_machine(terminal):
    *_, counted = said(terminal, "def f(): return 1", "", ":stats reset", "f()", ":stats")

    _, _, native, _, delegated, *_ = counted.split()  # the console's own frames among them
    assert int(native) >= 2 and delegated == "0"
