import sys


def main():
    try:
        print("leaving")
        sys.exit(3)
    finally:
        print("cleanup")


main()
