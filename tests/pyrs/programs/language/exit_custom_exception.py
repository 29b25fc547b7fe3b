class Odd(SystemExit):
    pass


def main():
    with_context()


def with_context():
    try:
        1 / 0
    except ZeroDivisionError:
        raise Odd(7)


main()
