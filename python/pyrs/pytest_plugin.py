"""Tests in the machine: `pytest -p pyrs.pytest_plugin --pyrs`.

Nothing is wrapped or replaced.  The functions of hooks, pytest's own among them, of fixtures and
tests are marked as the machine's: pytest calls them as `function(*arguments)`, which honours that
on every version, and what they call runs in the machine too.  So the session is in it from the
first conftest on, with module bodies, finalizers, `ids=` functions and items of other kinds;
and other plugins find what they expect.

    --pyrs          run tests, fixtures and hooks in the machine
    --pyrs-report   the same, and tell for what and in which tests CPython was needed
    --pyrs-compare  run the session plainly and in the machine, fail where outcomes differ
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from pyrs.runtime import engine, functions_of, why_not

# where a compared session writes what became of each test
OUTCOMES = "PYRS_PYTEST_OUTCOMES"
OUTSIDE = "outside of tests"
PLAIN, MACHINE = "plain", "machine"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pyrs", "the stackless machine")
    group.addoption("--pyrs", action="store_true", help="run tests, fixtures and hooks in it")
    group.addoption(
        "--pyrs-report", action="store_true", help="and tell what CPython was needed for"
    )
    group.addoption(
        "--pyrs-compare",
        action="store_true",
        help="run plainly and in the machine; fail where the outcomes differ",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before the first conftest is imported, and long before pytest's main function is called."""
    options = early_config.known_args_namespace
    if options.pyrs or options.pyrs_report:
        engine().own_modules()  # for those that C code calls: functools.partial, map
        for plugin in early_config.pluginmanager.get_plugins():
            own_hooks(plugin, early_config.pluginmanager)


def pytest_configure(config: pytest.Config) -> None:
    if OUTCOMES in os.environ and not is_worker(config):
        config.pluginmanager.register(Outcomes(Path(os.environ[OUTCOMES])), "pyrs-outcomes")
    if config.option.pyrs or config.option.pyrs_report:
        config.pluginmanager.register(InMachine(config), "pyrs-machine")


def is_worker(config: pytest.Config) -> bool:
    """This process runs tests for another one (xdist), which reports."""
    return hasattr(config, "workerinput")


# -- running -----------------------------------------------------------------------------------


def own(function: object) -> None:
    """Mark the Python functions behind a callable."""
    while isinstance(function, functools.partial):
        function = function.func
    for found in functions_of(function):
        engine().own(found)


def own_hooks(plugin: object, manager: pytest.PytestPluginManager) -> None:
    for caller in manager.get_hookcallers(plugin) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin:
                own(implementation.function)


class Tally:
    """Frames counted, and for each reason of a delegation how often in which test."""

    def __init__(self) -> None:
        self.native = 0
        self.delegated = 0
        self.reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, other: dict[str, Any]) -> None:
        self.native += other["native"]
        self.delegated += other["delegated"]
        for reason, tests in other["reasons"].items():
            self.reasons[reason].update(tests)

    def plain(self) -> dict[str, Any]:
        """For another process."""
        reasons = {reason: dict(tests) for reason, tests in self.reasons.items()}
        return {"native": self.native, "delegated": self.delegated, "reasons": reasons}


class InMachine:
    """Marks what pytest is going to call, and counts."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.tally = Tally()
        self.before = engine().stats()

    # -- what is marked --------------------------------------------------------------------

    def pytest_plugin_registered(self, plugin: object, manager: pytest.PytestPluginManager) -> None:
        own_hooks(plugin, manager)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        if isinstance(item, pytest.Function):
            own(item.obj)
        # unittest calls its methods in ways that don't honour the mark, but is called in one
        # that does
        run = getattr(getattr(item, "cls", None), "run", None)
        if isinstance(run, FunctionType) and hasattr(item.cls, "assertEqual"):  # type: ignore[attr-defined]
            own(run)

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        own(fixturedef.func)

    # -- what is counted -------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self.count(OUTSIDE)
        try:
            return (yield)
        finally:
            self.count(item.nodeid)

    def count(self, where: str) -> None:
        """What came since the last time is of this test."""
        now, before = engine().stats(), self.before
        self.before = now
        reasons = {
            reason: {where: count - before["reasons"].get(reason, 0)}
            for reason, count in now["reasons"].items()
            if count != before["reasons"].get(reason, 0)
        }
        self.tally.add(
            {
                "native": now["native"] - before["native"],
                "delegated": now["delegated"] - before["delegated"],
                "reasons": reasons,
            }
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self.count(OUTSIDE)
        if is_worker(self.config):
            self.config.workeroutput["pyrs"] = self.tally.plain()  # type: ignore[attr-defined]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.tally.add(getattr(node, "workeroutput", {}).get("pyrs", Tally().plain()))

    # -- what is told ----------------------------------------------------------------------

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.config.option.pyrs_report:
            terminalreporter.section("pyrs: what CPython was needed for")
            for line in report_lines(self.tally):
                terminalreporter.write_line(line)
        terminalreporter.write_line(summary_line(self.tally, why_not()))


def summary_line(tally: Tally, why: str | None) -> str:
    if why is not None:
        return f"pyrs: everything ran on the interpreter: {why}"
    frames = tally.native + tally.delegated
    share = f"{100 * tally.native / frames:.2f} %" if frames else "no frame"
    return f"pyrs: {share} native ({tally.native} frames native, {tally.delegated} on CPython)"


def report_lines(tally: Tally, shown: int = 3) -> Iterable[str]:
    by_count = sorted(tally.reasons.items(), key=lambda item: -item[1].total())
    for reason, tests in by_count:
        yield f"{tests.total():8} {reason}"
        for test, count in tests.most_common(shown):
            yield f"{count:16} {test}"
        if len(tests) > shown:
            yield f"{'':16} and {len(tests) - shown} more tests"


# -- comparing ---------------------------------------------------------------------------------


class Outcomes:
    """Writes what became of each test, a line for each phase."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        outcome = f"x{report.outcome}" if hasattr(report, "wasxfail") else report.outcome
        self.write(report.nodeid, report.when or "", outcome)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self.write(report.nodeid, "collection", report.outcome)

    def write(self, *words: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(words) + "\n")


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    if not config.option.pyrs_compare or OUTCOMES in os.environ:
        return None
    codes = {}
    outcomes = {}
    with tempfile.TemporaryDirectory() as folder:
        for side in (PLAIN, MACHINE):
            path = Path(folder, side)
            print(f"pyrs: {side} session", flush=True)
            codes[side] = run_session(config, side, path)
            outcomes[side] = read_outcomes(path)
    different = list(differences(outcomes[PLAIN], outcomes[MACHINE]))
    for line in different:
        print(f"pyrs: {line}")
    if codes[PLAIN] != codes[MACHINE]:
        print(f"pyrs: exit code {codes[PLAIN]} plainly, {codes[MACHINE]} in the machine")
    print(f"pyrs: {len(outcomes[PLAIN])} outcomes plainly, {len(different)} differ in the machine")
    return 1 if different or codes[PLAIN] != codes[MACHINE] else codes[PLAIN]


def run_session(config: pytest.Config, side: str, outcomes: Path) -> int:
    ours = ("--pyrs-compare", "--pyrs", "--pyrs-report")
    arguments = [word for word in config.invocation_params.args if word not in ours]
    if side == MACHINE:
        arguments.append("--pyrs-report" if config.option.pyrs_report else "--pyrs")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, arguments)],
        cwd=config.invocation_params.dir,
        env=os.environ | {OUTCOMES: str(outcomes)},
    )
    return done.returncode


def read_outcomes(path: Path) -> dict[str, dict[str, str]]:
    """Test -> phase -> outcome."""
    outcomes: dict[str, dict[str, str]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            test, phase, outcome = json.loads(line)
            outcomes.setdefault(test, {})[phase] = outcome
    return outcomes


def differences(
    plain: dict[str, dict[str, str]], machine: dict[str, dict[str, str]]
) -> Iterable[str]:
    for test in plain | machine:
        if plain.get(test) != machine.get(test):
            yield f"{test}: {words(plain.get(test))} plainly, {words(machine.get(test))} here"


def words(phases: dict[str, str] | None) -> str:
    if phases is None:
        return "not run"
    return ", ".join(f"{phase} {outcome}" for phase, outcome in phases.items())
