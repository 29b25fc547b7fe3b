"""trio by itself: nurseries, cancel scopes, channels, a deadlock's error."""

import trio


async def child(name, log):
    try:
        await trio.sleep_forever()
    except trio.Cancelled:
        log.append((name, "cancelled"))
        raise
    finally:
        log.append((name, "finally"))


async def counts(n):
    for i in range(n):
        await trio.sleep(0)
        yield i


async def fails(n):
    async for i in counts(n):
        pass
    raise KeyError(n)


async def main():
    log = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child, "a", log)
        await trio.sleep(0)
        nursery.cancel_scope.cancel()
    print(log)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fails, 3)
            nursery.start_soon(child, "b", log)
    except* KeyError as e:
        print(repr(e), log)
    with trio.move_on_after(0.01) as scope:
        await child("c", log)
    print(scope.cancelled_caught, log[-2:])
    send, receive = trio.open_memory_channel(0)
    async with trio.open_nursery() as nursery:
        async def produce():
            async with send:
                async for i in counts(4):
                    await send.send(i)

        nursery.start_soon(produce)
        async with receive:
            print([value async for value in receive])
    print(await trio.to_thread.run_sync(lambda: trio.from_thread.run(twice, 4)))


async def twice(n):
    await trio.sleep(0)
    return 2 * n


trio.run(main)
