def check(n):
    if n % 2:
        raise ValueError(f"odd {n}")
    return n


def check_all(numbers):
    errors = []
    for n in numbers:
        try:
            check(n)
        except ValueError as e:
            errors.append(e)
    if errors:
        raise ExceptionGroup("some are odd", errors)


check_all([2, 4])
print("first passed")
check_all([1, 2, 3])
