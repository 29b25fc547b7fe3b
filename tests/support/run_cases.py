"""Runs one module of CPython's own tests in the interpreter that executes this file, a line of JSON
for each event, so that a process that dies has said how far it came.

    python run_cases.py MODULE OUT [CASE...]     only these cases, when there are any

["plan", n], ["start", case], ["end", case, "ok" | "bad" | "skip", what was said, why], ["done"]
where why is a list of the reasons for which something ran on CPython's evaluator meanwhile.
"""

import json
import sys
import threading
import unittest

SAID = 1500  # characters of a failure that are kept
# hang in plain CPython too when the tests are not where its library is
HANGING = {
    "test.test_threading.ThreadJoinOnShutdown.test_4_daemon_threads",
    "test.test_threading.ThreadJoinOnShutdown.test_thread_from_thread",
}


def cases_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases_of(test)
        else:
            yield test


def delegations():
    """How often what was given to CPython's evaluator so far, by the reason; {} outside the VM."""
    machine = sys.modules.get("pyrs._pyrs")
    return machine.stats()["reasons"] if machine else {}


class Told(unittest.TestResult):
    """A result whose outcomes go into a file at once; subtests count for their case."""

    def __init__(self, tell):
        super().__init__()
        self.tell = tell
        self.buffer = True

    def startTest(self, test):
        super().startTest(test)
        self.outcome, self.said = "ok", ""
        self.before = delegations()
        self.tell("start", test.id())

    def stopTest(self, test):
        super().stopTest(test)
        if sys.gettrace() is None and sys.getprofile() is None:
            # left behind by a case, they would have the threads of all that follow traced
            threading.settrace(None)
            threading.setprofile(None)
        now = delegations()
        why = [reason for reason in now if now[reason] > self.before.get(reason, 0)]
        self.tell("end", test.id(), self.outcome, self.said[-SAID:], why)

    def went(self, outcome, said):
        if self.outcome != "bad":
            self.outcome, self.said = outcome, said

    def broken(self, test, error):
        said = self._exc_info_to_string(error, test)
        if isinstance(test, unittest.TestCase):
            self.went("bad", said)
        else:  # a fixture of a class or module
            self.tell("end", str(test), "bad", said[-SAID:], list(delegations()))

    def addError(self, test, error):
        self.broken(test, error)

    def addFailure(self, test, error):
        self.broken(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.went("bad", self._exc_info_to_string(error, test))

    def addSkip(self, test, reason):
        self.went("skip", reason)

    def addUnexpectedSuccess(self, test):
        self.went("bad", "unexpected success")


def main(module, out, *wanted):
    with open(out, "a", encoding="utf-8") as file:

        def tell(*event):
            file.write(json.dumps(event) + "\n")
            file.flush()

        suite = unittest.defaultTestLoader.loadTestsFromName(module)
        if wanted or module == "test.test_threading":
            chosen = set(wanted or (t.id() for t in cases_of(suite))) - HANGING
            suite = unittest.TestSuite(t for t in cases_of(suite) if t.id() in chosen)
        tell("plan", suite.countTestCases())
        suite.run(Told(tell))
        tell("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
