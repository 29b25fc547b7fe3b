import doctest
import io
import sys
import unittest


def double(x):
    """Twice x.

    >>> double(2)
    4
    >>> double("a")
    'aa'
    >>> double(None)
    Traceback (most recent call last):
    TypeError: unsupported operand type(s) for *: 'NoneType' and 'int'
    """
    return x * 2


class DoubleTest(unittest.TestCase):
    def setUp(self):
        self.value = 5

    def test_int(self):
        self.assertEqual(double(self.value), 10)

    def test_fails(self):
        self.assertEqual(double(2), 5)

    def test_raises(self):
        with self.assertRaisesRegex(TypeError, "NoneType"):
            double(None)

    @unittest.skip("not now")
    def test_skipped(self):
        pass

    def test_subtests(self):
        for i in range(3):
            with self.subTest(i=i):
                self.assertNotEqual(i, 1)

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()


print(doctest.testmod())
out = io.StringIO()
suite = unittest.defaultTestLoader.loadTestsFromTestCase(DoubleTest)
result = unittest.TextTestRunner(stream=out, verbosity=0).run(suite)
print(result.testsRun, len(result.failures), len(result.errors), len(result.skipped), len(result.expectedFailures))
print([line for line in result.failures[0][1].splitlines() if "Error" in line])
from unittest import mock

m = mock.Mock(return_value=3)
m.attr.method(1, k=2)
print(m(5), m.call_args, m.attr.method.call_args_list, m.call_count)
with mock.patch.object(sys, "platform", "patched"):
    print(sys.platform)
with mock.patch("os.getcwd", side_effect=lambda: "nowhere"):
    import os

    print(os.getcwd())
print(os.getcwd() != "nowhere")
