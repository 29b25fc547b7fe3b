import sys

try:
    sys.exit("caught")
except SystemExit as e:
    print(repr(e.code))
sys.exit("it went wrong")
