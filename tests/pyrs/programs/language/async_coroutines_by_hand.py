import types


@types.coroutine
def switch(value):
    received = yield value
    return received


async def leaf(n):
    got = await switch(f"leaf {n}")
    return got, n


async def middle(n):
    results = []
    for i in range(n):
        results.append(await leaf(i))
    return results


async def top():
    try:
        return await middle(2) + await middle(1)
    finally:
        print("top finally")


c = top()
print(c.send(None))
print(c.send("a"))
print(c.send("b"))
try:
    c.send("c")
except StopIteration as e:
    print(e.value)
c = top()
c.send(None)
try:
    c.throw(ValueError("into leaf"))
except ValueError as e:
    print(e)
c = top()
c.send(None)
c.close()


class Scheduler:
    def __init__(self):
        self.ready = []

    def spawn(self, c):
        self.ready.append((c, None))

    def run(self):
        while self.ready:
            c, value = self.ready.pop(0)
            try:
                request = c.send(value)
            except StopIteration as e:
                print("finished", e.value)
            else:
                self.ready.append((c, f"re:{request}"))


async def worker(name, n):
    total = []
    for i in range(n):
        total.append(await switch(f"{name}{i}"))
    return total


s = Scheduler()
for i in range(3):
    s.spawn(worker("xyz"[i], i + 1))
s.run()


async def deep(n):
    if n:
        return 1 + await deep(n - 1)
    return await switch("bottom")


c = deep(200)
print(c.send(None))
try:
    c.send(5)
except StopIteration as e:
    print(e.value)


async def agen():
    try:
        yield 1
        yield 2
    except GeneratorExit:
        print("exit")
        raise


a = agen()
step = a.__anext__()
try:
    step.send(None)
except StopIteration as e:
    print("yielded", e.value)
step = a.aclose()
try:
    step.send(None)
except StopIteration:
    print("closed")
print(c.cr_frame, c.cr_await, c.cr_running)


async def stop():
    raise StopIteration("x")


try:
    stop().send(None)
except RuntimeError as e:
    print(e)
