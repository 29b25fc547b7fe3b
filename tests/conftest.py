"""What holds for every test: in CI a part that is there is tested, not skipped."""

import os
import signal

import pytest

# A shell starts what runs in the background with these ignored, and programs inherit that:
# what a test sends them is to arrive.
USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGQUIT: signal.SIG_DFL}
for number, handler in USUAL.items():
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# A skip with such a reason is about the machine, not about a part left out.
ALLOWED_REASON = "needs "


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    return fail_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    return fail_if_skipped(report)


def fail_if_skipped(report):
    """Turn a skip into a failure when CI=true, unless it says what the machine lacks."""
    if not report.skipped or hasattr(report, "wasxfail") or os.environ.get("CI") != "true":
        return report
    _path, _line, reason = report.longrepr
    if not reason.removeprefix("Skipped: ").startswith(ALLOWED_REASON):
        report.outcome = "failed"
        report.longrepr = (
            f"{reason}\n(skipped; in CI only a reason starting with {ALLOWED_REASON!r} is one)"
        )
    return report


# marker: what it can't be asked of, and why
NOT_ASKED = {
    "native": ("hostile", "needs a build that hands nothing over by itself"),
    "limits": ("asan", "needs a build that takes no memory of its own"),
}


def pytest_runtest_setup(item):
    variant = os.environ.get("PYFORGE_VARIANT", "")
    for marker, (build, reason) in NOT_ASKED.items():
        if marker in item.keywords and variant.startswith(build):
            pytest.skip(reason)


def pytest_addoption(parser):
    parser.addoption(
        "--update", action="store_true", help="write expected-output files from what CPython says"
    )
