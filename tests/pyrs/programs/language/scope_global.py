count = 0


def bump():
    global count
    count += 1
    return count


def make_new():
    global created
    created = "created here"


def shadow():
    count = 100
    return count


def unbound():
    try:
        print(count_local)
    except UnboundLocalError as e:
        print(e)
    count_local = 1


def unbound_aug():
    try:
        value += 1
    except UnboundLocalError as e:
        print(e)
    value = 0


def deleted():
    v = 1
    del v
    try:
        v
    except UnboundLocalError as e:
        print(e)
    try:
        del v
    except UnboundLocalError as e:
        print(e)


bump()
bump()
make_new()
print(count, created, shadow(), count)
unbound()
unbound_aug()
deleted()
try:
    undefined_name
except NameError as e:
    print(e)
try:
    del undefined_name
except NameError as e:
    print(e)
del created
try:
    created
except NameError as e:
    print(e)
len = lambda x: "shadowed builtin"
print(len([1]))
del len
print(len([1]))
import builtins

builtins.injected = "from builtins"
print(injected)
del builtins.injected
try:
    injected
except NameError as e:
    print(e)
globals()["dynamic"] = 5
print(dynamic, "dynamic" in globals())


def uses_global_later():
    return defined_later


defined_later = "late"
print(uses_global_later())


def local_names(a, b=2):
    c = a + b
    return sorted(locals().items())


print(local_names(1))


def loop_lookup():
    result = []
    for i in range(4):
        if i == 2:
            globals()["limit"] = 20
        result.append(limit)
    return result


limit = 10
print(loop_lookup())


def changing_builtin():
    result = []
    for i in range(3):
        result.append(abs(-i))
        if i == 1:
            globals()["abs"] = lambda x: "mine"
    return result


print(changing_builtin())
