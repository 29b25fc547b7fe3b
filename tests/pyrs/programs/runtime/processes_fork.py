"""os.fork in the middle of everything: both sides go on, with what they had."""

import gc
import os
import signal
import sys
import threading


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def say(*what):
    print(*what, flush=True)


def in_frames(n):
    if n == 0:
        return os.fork()
    return in_frames(n - 1)


pid = in_frames(20)
if pid == 0:
    say("child of frames")
    os._exit(3)
say(wait(pid), "from frames")


def generator():
    held = ["held"]
    try:
        pid = os.fork()
        yield pid, held
        yield "more"
    finally:
        if pid == 0:
            say("child's finally")


g = generator()
pid, held = next(g)
if pid == 0:
    say(next(g), held)
    g.close()
    os._exit(4)
say(wait(pid), next(g), held)

try:
    try:
        1 / 0
    except ZeroDivisionError:
        pid = os.fork()
        raise KeyError(pid == 0)
except KeyError as e:
    inside = e.args[0], repr(e.__context__)
    if pid == 0:
        say(*inside)
        os._exit(5)
    say(wait(pid), *inside)


def by_sort(key):
    return os.fork() if key == 2 else 0


pids = [p for p in map(by_sort, range(4))]
if pids[2] == 0:
    say("child of map", len(pids))
    os._exit(6)
say(wait(pids[2]))

stop = threading.Event()


def other():
    n = 0
    while not stop.is_set():
        n += 1


threads = [threading.Thread(target=other) for _ in range(3)]
for t in threads:
    t.start()
for k in range(5):
    pid = os.fork()
    if pid == 0:
        say("alone", threading.active_count(), k)
        t = threading.Thread(target=lambda: say("child's thread"))
        t.start()
        t.join()
        gc.collect()
        sys.stdout.flush()
        os._exit(k)
    say(wait(pid))
stop.set()
for t in threads:
    t.join()

pid = os.fork()
if pid == 0:
    def deep(n):
        return n and 1 + deep(n - 1)

    say(deep(900))
    try:
        deep(10**6)
    except RecursionError as e:
        say(e)
    sys.exit("ends by itself")
say(wait(pid))
if os.fork() == 0:
    os.kill(os.getpid(), signal.SIGKILL)
say(os.waitstatus_to_exitcode(os.wait()[1]))
