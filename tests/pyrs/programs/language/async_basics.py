import asyncio

log = []


async def child(name, n):
    for i in range(n):
        log.append(f"{name}{i}")
        await asyncio.sleep(0)
    return name


class Manager:
    async def __aenter__(self):
        await asyncio.sleep(0)
        log.append("aenter")
        return self

    async def __aexit__(self, kind, value, tb):
        log.append(f"aexit {kind and kind.__name__}")
        return kind is ValueError


class Ticker:
    def __init__(self, n):
        self.n = n

    def __aiter__(self):
        return self

    async def __anext__(self):
        if not self.n:
            raise StopAsyncIteration
        self.n -= 1
        await asyncio.sleep(0)
        return self.n


async def agen(n):
    try:
        for i in range(n):
            await asyncio.sleep(0)
            received = yield i
            if received:
                log.append(f"sent {received}")
    finally:
        log.append("agen closed")


class Awaitable:
    def __await__(self):
        yield from asyncio.sleep(0).__await__()
        return "awaited"


async def failing():
    await asyncio.sleep(0)
    raise KeyError("async")


async def main():
    print(await asyncio.gather(child("a", 2), child("b", 3)))
    async with Manager() as m:
        print(type(m).__name__)
    async with Manager():
        raise ValueError
    print([x async for x in Ticker(3)], [x async for x in agen(3) if x], {x: await child("c", 0) async for x in agen(1)})
    g = agen(5)
    print(await g.__anext__(), await g.asend("hi"))
    await g.aclose()
    print(await Awaitable())
    try:
        await failing()
    except KeyError as e:
        print("caught", e)
    task = asyncio.create_task(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.01)
    except asyncio.TimeoutError:
        print("timeout")
    async for i in Ticker(2):
        print("tick", i)
    else:
        print("else")
    results = await asyncio.gather(failing(), child("d", 1), return_exceptions=True)
    print(results)
    queue = asyncio.Queue()

    async def producer():
        for i in range(3):
            await queue.put(i)
        await queue.put(None)

    async def consumer():
        items = []
        while (item := await queue.get()) is not None:
            items.append(item)
        return items

    print((await asyncio.gather(producer(), consumer()))[1])
    lock = asyncio.Lock()

    async def locked(n):
        async with lock:
            log.append(f"lock {n}")
            await asyncio.sleep(0)

    await asyncio.gather(*(locked(i) for i in range(3)))
    try:
        await 5
    except TypeError as e:
        print(e)
    return "main done"


print(asyncio.run(main()))
print(log)
c = child("x", 1)
print(type(c).__name__)
c.close()
try:
    c.send(None)
except RuntimeError as e:
    print(e)
