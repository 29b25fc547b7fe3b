"""anyio on asyncio and on trio: task groups, cancel scopes, threads, streams."""

import contextvars
import sys
import warnings

import anyio
import anyio.from_thread
import anyio.to_thread

var = contextvars.ContextVar("var", default=0)


async def child(name, log, *, task_status=anyio.TASK_STATUS_IGNORED):
    task_status.started(name)
    try:
        await anyio.sleep_forever()
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0)
            log.append((name, "shielded"))
        raise
    finally:
        log.append((name, "finally"))


async def fails(n):
    await anyio.sleep(0)
    raise ValueError(n)


async def main():
    log = []
    async with anyio.create_task_group() as tg:
        print(await tg.start(child, "a", log), await tg.start(child, "b", log))
        tg.cancel_scope.cancel()
    print(sorted(log))
    log.clear()
    try:
        async with anyio.create_task_group() as tg:
            await tg.start(child, "c", log)
            tg.start_soon(fails, 1)
    except* ValueError as e:
        print([repr(x) for x in e.exceptions], log)
    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep_forever()
    print(scope.cancelled_caught)
    try:
        with anyio.fail_after(0.01):
            await child("d", log)
    except TimeoutError:
        print("timeout", log[-2:])
    var.set(5)
    print(await anyio.to_thread.run_sync(lambda: (var.get(), anyio.from_thread.run(fails_not, 3))))
    send, receive = anyio.create_memory_object_stream(1)

    async def produce():
        async with send:
            for i in range(4):
                await send.send(i)

    async with anyio.create_task_group() as tg:
        tg.start_soon(produce)
        async with receive:
            print([i async for i in receive])
    lock = anyio.Lock()
    order = []

    async def holds(n):
        async with lock:
            await anyio.sleep(0)
            order.append(n)

    async with anyio.create_task_group() as tg:
        for n in range(3):
            tg.start_soon(holds, n)
    print(sorted(order))


async def fails_not(n):
    return n * 2


for backend in ("asyncio", "trio"):
    print(backend)
    anyio.run(main, backend=backend)
warnings.simplefilter("always")
fails(1)
sys.stderr.flush()
