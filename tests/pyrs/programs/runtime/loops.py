"""What a program of coroutines does, whichever loop runs it (the programs beside this one)."""

import asyncio
import contextvars
import gc
import re
import sys
import traceback
import warnings

FOLDER = __file__.removesuffix("loops.py")
# lines of the standard library move in each of its releases
LIBRARY = re.compile(rf'"{re.escape(asyncio.__path__[0])}/(\w+)\.py", line \d+')
var = contextvars.ContextVar("var", default="default")


def shape(e):
    """An exception with all that hangs on it, and where it came by."""
    here = [(f.name, f.line) for f in traceback.extract_tb(e.__traceback__) if f.filename == __file__]
    inner = [shape(x) for x in e.exceptions] if isinstance(e, BaseExceptionGroup) else None
    context = e.__context__ if e.__cause__ is None else e.__cause__
    return type(e).__name__, str(e), here, inner, context and type(context).__name__


async def yields(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


async def works(name, log, steps=3):
    try:
        async for i in yields(steps):
            log.append((name, i))
        return name
    except asyncio.CancelledError:
        log.append((name, "cancelled"))
        raise
    finally:
        log.append((name, "finally"))


async def forever(log):
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        log.append("cleaned")


async def fails(after):
    for _ in range(after):
        await asyncio.sleep(0)
    raise ValueError(after)


async def gathering():
    log = []
    return await asyncio.gather(*(works(n, log) for n in "abc")), log


async def cancelling():
    log = []
    t = asyncio.create_task(forever(log))
    await asyncio.sleep(0)
    t.cancel("why")
    try:
        await t
    except asyncio.CancelledError as e:
        log.append(shape(e))
    return log, t.cancelled()


async def groups():
    log = []
    try:
        async with asyncio.TaskGroup() as tg:
            a = tg.create_task(works("a", log))
            tg.create_task(forever(log))
            tg.create_task(fails(2))
            tg.create_task(fails(2))
    except* ValueError as e:
        log.append(shape(e))
    async with asyncio.TaskGroup() as tg:
        b = tg.create_task(works("b", log, 1))
    return log, a.cancelled(), b.result()


async def timeouts():
    log = []
    try:
        async with asyncio.timeout(0.01):
            await forever(log)
    except TimeoutError as e:
        log.append(shape(e))
    try:
        await asyncio.wait_for(forever(log), 0.01)
    except TimeoutError as e:
        log.append(type(e).__name__)
    async with asyncio.timeout(60) as t:
        log.append(await asyncio.wait_for(works("w", log, 1), 60))
    return log, t.expired()


async def contexts():
    log = []

    async def sets(value):
        var.set(value)
        await asyncio.sleep(0)
        log.append(var.get())

    var.set("outer")
    await asyncio.gather(sets(1), sets(2))
    await sets(3)
    context = contextvars.copy_context()
    t = asyncio.create_task(sets(4), context=context)
    await t
    asyncio.get_running_loop().call_soon(lambda: log.append(("soon", var.get())))
    await asyncio.sleep(0)
    return log, var.get(), context[var]


async def locks():
    lock, sem, queue, log = asyncio.Lock(), asyncio.Semaphore(2), asyncio.Queue(1), []

    async def holds(n):
        async with lock, sem:
            log.append(n)
            await asyncio.sleep(0)
        await queue.put(n)

    tasks = [asyncio.create_task(holds(n)) for n in range(4)]
    got = [await queue.get() for _ in tasks]
    await asyncio.wait(tasks)
    return log, got


async def shielding():
    log = []
    inner = asyncio.create_task(works("shielded", log))
    t = asyncio.create_task(asyncio.wait_for(asyncio.shield(inner), 60))
    await asyncio.sleep(0)
    t.cancel()
    results = await asyncio.gather(t, return_exceptions=True)
    return repr(results[0]), await inner, log


async def by_threads():
    loop = asyncio.get_running_loop()
    in_thread = await asyncio.to_thread(lambda: (var.get(), sum(range(10))))
    sent = await loop.run_in_executor(None, lambda: asyncio.run_coroutine_threadsafe(works("t", []), loop).result())
    return in_thread, sent


async def unfinished_generators():
    log = []

    async def numbers():
        try:
            yield 1
            yield 2
        finally:
            log.append("closed")

    async for _ in numbers():
        break
    gc.collect()
    await asyncio.sleep(0.01)
    agen = numbers()
    await anext(agen)
    await agen.aclose()
    return log, await anext(numbers(), None)


async def stacks():
    async def inner():
        await asyncio.sleep(0)
        return [f.f_code.co_name for f in asyncio.current_task().get_stack()]

    async def waits():
        await asyncio.Event().wait()

    t = asyncio.create_task(waits())
    await asyncio.sleep(0)
    names = [(f.f_code.co_name, f.f_lineno) for f in t.get_stack()]
    t.cancel()
    return names, await inner(), t.get_coro().__qualname__


async def deep(n):
    if n:
        return 1 + await deep(n - 1)
    await asyncio.sleep(0)
    return 0


async def depth():
    return await deep(200)


async def never_awaited():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        works("never", [])
        gc.collect()
        coroutine = fails(0)
        del coroutine
    texts = [LIBRARY.sub(r"asyncio.\1", str(w.message)).replace(FOLDER, "") for w in caught]
    return [(w.category.__name__, text) for w, text in zip(caught, texts)]


async def exceptions_of_tasks():
    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: told.append((context["message"], repr(context["exception"]))))
    t = asyncio.create_task(fails(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del t
    gc.collect()
    loop.set_exception_handler(None)
    return told


CASES = [gathering, cancelling, groups, timeouts, contexts, locks, shielding, by_threads, unfinished_generators,
         stacks, depth, never_awaited, exceptions_of_tasks]


async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is not to be told of
    for case in CASES:
        print(case.__name__, await asyncio.create_task(case()))


if __name__ == "__main__":
    asyncio.run(main())
    asyncio.run(main(), debug=True)
    fails(1)
    gc.collect()
    sys.stderr.flush()
