# limits: stack=1MiB
import sys


def depth(n):
    if n == 0:
        return 0
    return 1 + depth(n - 1)


sys.setrecursionlimit(1_100_000)
print(depth(1_000_000))


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


print(even(200_000), odd(200_000))
sys.setrecursionlimit(1000)
try:
    depth(1_000_000)
except RecursionError as e:
    print(e)
