class Problem(Exception):
    pass


def parse(text):
    try:
        return int(text)
    except ValueError as e:
        raise Problem(f"can't read {text!r}") from e


def load(items):
    result = []
    for item in items:
        result.append(parse(item))
    return result


print(load(["1", "2"]))
try:
    load(["3", "x"])
finally:
    {}["while cleaning up"]
