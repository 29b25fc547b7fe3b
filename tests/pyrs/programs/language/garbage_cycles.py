# Cycles through generators, coroutines, async generators, their steps, cells and frames are found,
# and what they run when they go, they run in CPython's order.

import gc
import sys
import types
import weakref

gc.disable()
LOG = []


class Mark:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        LOG.append(f"del {self.name}")


class Await:
    def __await__(self):
        yield "waiting"


def drive(step):
    try:
        return step.send(None)
    except StopIteration as e:
        return e.value
    except BaseException as e:
        return e


def generator_started(keep):
    def g():
        me = yield
        try:
            yield me
        finally:
            LOG.append("finally")
    it = g()
    next(it)
    it.send(it)
    keep.append(it)


def generator_not_started(keep):
    def g(box):
        yield box
    box = []
    box.append(g(box))
    keep.append(box)


def generator_in_a_loop(keep):
    def g(box):
        for item in [box, box]:
            with open_mark():
                yield item
    box = []
    it = g(box)
    box.append(it)
    keep.append(next(it))


class open_mark:
    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        LOG.append(f"exit {kind.__name__}")


def generator_in_a_handler(keep):
    def g(box):
        try:
            raise ValueError(box)
        except ValueError as e:
            yield e
    box = []
    box.append(g(box))
    next(box[0])
    keep.append(box)


def generator_delegating(keep):
    def inner(box):
        try:
            yield box
        finally:
            LOG.append("inner")

    def outer(box):
        try:
            yield from inner(box)
        finally:
            LOG.append("outer")
    box = []
    box.append(outer(box))
    next(box[0])
    keep.append(box)


def generator_expression(keep):
    box = []
    box.append(x for x in [1, box, 2] if box)
    next(box[0])
    keep.append(box)


def generator_resurrected(keep):
    def g(box):
        try:
            yield
        finally:
            keep.append(box[0].gi_frame.f_lineno > 0)
            LOG.append("once")
    box = []
    box.append(g(box))
    next(box[0])
    keep.append(box)


def coroutine_waiting(keep):
    async def c(box):
        try:
            await Await()
        finally:
            LOG.append("coroutine")
    box = []
    box.append(c(box))
    drive(box[0])
    keep.append(box)


def coroutine_wrapped(keep):
    async def c(box):
        await Await()
    box = []
    box.append(c(box).__await__())
    next(box[0])
    keep.append(box)


def coroutine_chain(keep):
    async def c(box, depth):
        if depth:
            await c(box, depth - 1)
        else:
            await Await()
    box = []
    box.append(c(box, 5))
    drive(box[0])
    keep.append(box)


def async_generator(keep):
    async def g(box):
        yield box
        await Await()
    box = []
    box.append(g(box))
    drive(box[0].__anext__())
    keep.append(box)


def async_generator_and_its_hook(keep):
    class Loop:
        def finalizer(self, gen):
            LOG.append("finalizer")
            drive(gen.aclose())

    async def g():
        try:
            yield
        finally:
            1 / 0
    loop = Loop()
    old = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(finalizer=loop.finalizer)
    loop.gen = g()
    drive(loop.gen.__anext__())
    loop.error = drive(loop.gen.aclose())
    sys.set_asyncgen_hooks(*old)
    keep.append(loop)


def async_generator_finalized(keep):
    async def g(box):
        yield box

    def finalizer(gen):
        LOG.append("finalizer")
    old = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(finalizer=finalizer)
    box = []
    box.append(g(box))
    drive(box[0].__anext__())
    sys.set_asyncgen_hooks(*old)
    keep.append(box)


def steps(keep):
    async def g(box):
        x = yield box
        await Await()
    box = []
    box.append(g(box))
    drive(box[0].__anext__())
    box.append(box[0].asend(box))
    box.append(box[0].athrow(KeyError, KeyError(box)))
    box.append(box[0].aclose())
    drive(box[1])
    keep.append(box)


def cells(keep):
    box = []

    def f():
        return f, box
    box.append(f)
    keep.append(f)


def frames(keep):
    def f():
        me = sys._getframe()
        keep.append(me)
    f()


def frame_of_a_generator(keep):
    def g():
        frame = yield
        yield
    it = g()
    next(it)
    it.send(it.gi_frame)
    keep.append(it)


def traceback(keep):
    def f(depth):
        if depth:
            f(depth - 1)
        box = [Mark("in a frame")]
        raise ValueError
    try:
        f(3)
    except ValueError as e:
        kept = e
    keep.append(kept)


def classes(keep):
    class C:
        def method(self):
            return __class__
    C.instance = C()
    C.bound = C.instance.method
    keep.append(C)


def a_property_of_itself(keep):
    class D(dict):
        def __missing__(self, key):
            return self.__class__
    d = D()
    d["me"] = d
    d["get"] = d.__missing__
    keep.append(d)


def handed_over(keep):
    def g(box):
        yield box
        yield box
    box = []
    box.append(g(box))
    sys.settrace(lambda *a: None)
    next(box[0])
    sys.settrace(None)
    next(box[0])
    keep.append(box)


CASES = [value for name, value in list(globals().items())
         if isinstance(value, types.FunctionType) and value.__code__.co_varnames[:1] == ("keep",)]
for case in CASES:
    keep, found = [], []
    case(keep)
    last = keep[-1]
    mark = Mark("mark")
    if isinstance(last, list):
        last.append(mark)
    elif isinstance(last, dict):
        last["mark"] = mark
    elif not isinstance(last, (types.GeneratorType, types.FrameType, types.FunctionType)):
        last.mark = mark
    refs = [weakref.ref(o, lambda r: LOG.append("weakref")) for o in keep
            if type(o).__weakrefoffset__ > 0]
    last = mark = None
    LOG.append("before")
    keep.clear()
    LOG.append("dropped")
    gc.collect()
    gc.collect()
    print(case.__name__, LOG, [r() for r in refs], keep)
    keep.clear()
    LOG.clear()
print(gc.garbage)
