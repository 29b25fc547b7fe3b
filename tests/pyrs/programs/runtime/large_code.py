"""Code too large for what the VM keeps of it in 16 bits: places in it are told as in any other."""

import sys

LINES = 20_000  # each of 5 words


def line():
    return sys._getframe(1).f_lineno


def fail():
    raise ValueError(line())


def made(*last):
    body = ["def large(x):", "seen = []", *(["x = x + 1"] * LINES), *last, "return x, seen"]
    names = {"line": line, "fail": fail}
    exec("\n ".join(body), names)
    return names["large"]


def run(*last):
    large = made(*last)
    assert len(large.__code__.co_code) > 2 * 0xFFFF
    try:
        x = large(1.5)
        print(list(x) if isinstance(x, type(i for i in ())) else x)
    except ValueError as error:
        print(error.args, error.__traceback__.tb_next.tb_lineno)


run("seen.append(line())")
run("fail()")
run("try: fail()", "except ValueError: seen.append(line())", "seen.append(line())")
run("yield line()", "yield line()")
