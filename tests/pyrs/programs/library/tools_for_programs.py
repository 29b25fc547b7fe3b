import argparse
import heapq
import bisect
import logging
import operator
import random
import sys
import warnings
import hashlib
import uuid
import array
import ast
import timeit

parser = argparse.ArgumentParser(prog="tool", description="A tool.")
parser.add_argument("files", nargs="*")
parser.add_argument("-n", "--number", type=int, default=3, help="a number")
parser.add_argument("--flag", action="store_true")
print(parser.parse_args(["a", "b", "-n", "5", "--flag"]))
parser.print_usage()
try:
    parser.parse_args(["-n", "x"])
except SystemExit as e:
    print("exit", e.code)
h = [5, 1, 4]
heapq.heapify(h)
heapq.heappush(h, 2)
print([heapq.heappop(h) for _ in range(4)], heapq.nlargest(2, [3, 9, 1]), list(heapq.merge([1, 4], [2, 3])))
x = [1, 3, 5]
bisect.insort(x, 4)
print(x, bisect.bisect_left(x, 3), bisect.bisect([], 1))
log = logging.getLogger("demo")
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(funcName)s: %(message)s"))
log.addHandler(handler)
log.setLevel("INFO")


def work():
    log.debug("hidden")
    log.info("value %d", 5)
    try:
        1 / 0
    except ZeroDivisionError:
        log.error("failed: %s", sys.exc_info()[1])


work()
print(operator.itemgetter(1, 0)("ab"), operator.attrgetter("real")(5), operator.methodcaller("upper")("x"), operator.add(1, 2))
random.seed(42)
print(random.randint(1, 100), random.choice("abc"), random.sample(range(10), 3), round(random.random(), 6))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("careful", DeprecationWarning, stacklevel=1)
    print(len(caught), caught[0].message, caught[0].category.__name__)
print(hashlib.sha256(b"x").hexdigest()[:16], uuid.UUID(int=5), array.array("i", [1, 2]).tolist(), sum(array.array("d", [1.5, 2])))
tree = ast.parse("a + b * 2")
print(ast.dump(tree.body[0].value.op), ast.unparse(tree), ast.literal_eval("[1, {'a': (2,)}]"))


class Names(ast.NodeVisitor):
    def __init__(self):
        self.names = []

    def visit_Name(self, node):
        self.names.append(node.id)
        self.generic_visit(node)


v = Names()
v.visit(tree)
print(v.names, timeit.timeit("pass", number=1) >= 0)
import sqlite3

db = sqlite3.connect(":memory:")
db.execute("create table t (n int, s text)")
db.executemany("insert into t values (?, ?)", [(i, "x" * i) for i in range(4)])
db.create_function("twice", 1, lambda x: x * 2)
db.create_aggregate("joined", 1, type("J", (), {"__init__": lambda s: setattr(s, "v", []), "step": lambda s, x: s.v.append(str(x)), "finalize": lambda s: ",".join(s.v)}))
print(db.execute("select twice(n), s from t where n > 1 order by n").fetchall(), db.execute("select joined(n) from t").fetchone())
import subprocess

print(subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True).stdout.strip())
import functools
print(functools.cmp_to_key(lambda a, b: b - a)(1) < functools.cmp_to_key(lambda a, b: b - a)(0), sorted([3, 1, 2], key=functools.cmp_to_key(lambda a, b: b - a)))
