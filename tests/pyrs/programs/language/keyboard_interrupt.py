import os
import signal

try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(10_000_000):
        pass
    print("not interrupted")
except KeyboardInterrupt:
    print("interrupted")


def handler(number, frame):
    print("signal", number == signal.SIGUSR1, frame is not None)


signal.signal(signal.SIGUSR1, handler)
os.kill(os.getpid(), signal.SIGUSR1)


def loop():
    n = 0
    while n < 1000:
        n += 1
    return n


print(loop())


def raising(number, frame):
    raise TimeoutError("from handler")


signal.signal(signal.SIGALRM, raising)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    while True:
        pass
except TimeoutError as e:
    print(e)
