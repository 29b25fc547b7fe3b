# Whoever keeps data on code objects hears of those only that it put some on.

import ctypes
import gc

if not hasattr(ctypes.pythonapi, "_PyCode_SetExtra"):
    raise SystemExit

free_function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
request = ctypes.pythonapi._PyEval_RequestCodeExtraIndex
request.argtypes, request.restype = (free_function,), ctypes.c_ssize_t
put = ctypes.pythonapi._PyCode_SetExtra
put.argtypes, put.restype = (ctypes.py_object, ctypes.c_ssize_t, ctypes.c_void_p), ctypes.c_int
get = ctypes.pythonapi._PyCode_GetExtra
get.argtypes = ctypes.py_object, ctypes.c_ssize_t, ctypes.POINTER(ctypes.c_void_p)
get.restype = ctypes.c_int

freed = []
keep = free_function(freed.append)
index = request(keep)


def made(text="lambda: 42"):
    return eval(text)


def extra(f):
    data = ctypes.c_void_p(1)
    assert get(f.__code__, index, data) == 0
    return data.value


for f in [made() for _ in range(20)]:
    f()
del f
gc.collect()
print("of code it never saw:", freed)

for before in (False, True):
    f = made()
    if before:
        f()
    print(extra(f), put(f.__code__, index, 77), extra(f), f(), extra(f))
    put(f.__code__, index, 78)
    print("replaced:", freed)
    del f
    gc.collect()
    print("gone:", freed)
    freed.clear()
