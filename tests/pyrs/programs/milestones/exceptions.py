class AppError(Exception):
    """Base of what goes wrong here."""


class NotEnough(AppError):
    def __init__(self, need, have):
        super().__init__(f"need {need}, have {have}")
        self.need = need
        self.have = have


class Broken(AppError):
    pass


def withdraw(have, need):
    if need > have:
        raise NotEnough(need, have)
    return have - need


def outer(need):
    try:
        return withdraw(10, need)
    except NotEnough as e:
        raise Broken("outer failed") from e
    finally:
        print("finally", need)


def retry():
    for attempt in range(3):
        try:
            if attempt < 2:
                raise ValueError(attempt)
        except ValueError as e:
            print("attempt", e)
            continue
        else:
            return "ok"
        finally:
            print("tried", attempt)


print(outer(3))
try:
    outer(30)
except AppError as e:
    print(repr(e), "because", repr(e.__cause__), e.__cause__.need)
print(retry())
try:
    {}["missing"]
except (KeyError, IndexError) as e:
    print(type(e).__name__, e.args)
try:
    try:
        1 / 0
    except ZeroDivisionError:
        [][1]
except IndexError as e:
    print(e, "| while handling:", e.__context__)
try:
    raise
except RuntimeError as e:
    print(e)
raise Broken("the end")
