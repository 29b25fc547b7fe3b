"""Names looked up in namespaces whose keys are not all strs, or whose values are elsewhere."""

SOURCE = """
def here(): return name
def below(): return limit
def nowhere(): return missing
"""


def functions(globals_, builtins_):
    globals_["__builtins__"] = builtins_
    exec(SOURCE, globals_)
    return [globals_[each] for each in ("here", "below", "nowhere")]


def look(what, found):
    for function in found:
        for _ in range(3):
            try:
                print(what, function.__name__, function())
            except (NameError, KeyError, ValueError) as error:
                print(what, function.__name__, type(error).__name__, error)


class Odd(str):
    """Equal to what it says, or not to be compared."""

    def __eq__(self, other):
        print("compared with", other)
        if self.endswith("!"):
            raise ValueError("no")
        return str.__eq__(self, other)

    __hash__ = str.__hash__


class Loud(Odd):
    def __hash__(self):
        return hash(str(self)[:-1])


class Namespace:
    pass


look("plain", functions({"name": 1}, {"limit": 2}))
look("number in globals", functions({"name": 1, 5: 5}, {"limit": 2}))
look("number in builtins", functions({"name": 1}, {"limit": 2, 5: 5}))
look("numbers in both", functions({5: 5, "name": 1}, {5: 5, "limit": 2}))
look("odd in globals", functions({Odd("name"): 1}, {"limit": 2}))
look("odd in builtins", functions({"name": 1}, {Odd("limit"): 2}))
look("loud in globals", functions({Loud("limit!"): 0, "name": 1}, {"limit": 2}))
look("loud in builtins", functions({"name": 1}, {Loud("missing!"): 0, "limit": 2}))

holder, other = Namespace(), Namespace()
holder.name, other.limit = 1, 2
look("of instances", functions(vars(holder), vars(other)))
holder.name = 3
del other.limit
look("of instances, changed", [vars(holder)[each] for each in ("here", "below", "nowhere")])

# keys that come and go behind a site that has seen the name
namespace, builtins_ = {"name": 1}, {"limit": 2}
found = functions(namespace, builtins_)
look("before", found)
namespace[7] = 7
look("a number came", found)
del namespace[7]
namespace["limit"] = "nearer"
look("nearer", found)
del namespace["limit"], builtins_["limit"], namespace["name"]
builtins_["name"] = "farther"
look("farther", found)
