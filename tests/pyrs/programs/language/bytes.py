b = b"hello\x00\xff"
print(b, b[0], b[-1], b[1:3], b + b"x", b * 2, len(b), list(b[:3]), b.hex(), bytes.fromhex("00ff10"))
print(b.find(b"l"), b.count(b"l"), b.split(b"l"), b.replace(b"l", b"L"), b.upper(), b"a" in b, 104 in b, b"hel" in b)
print(bytes(3), bytes([1, 2]), bytes("é", "utf-8"), bytes(range(5)), b"%d-%s" % (5, b"x"), b"a,b".split(b","))
a = bytearray(b"abc")
a.append(100)
a += b"ef"
a[0] = 65
a[1:3] = b"ZZZ"
print(a, a.pop(), len(a), a.decode(), bytes(a))
del a[0]
a.extend([1, 2])
a.insert(0, 9)
a.reverse()
print(a, a == bytes(a), a.find(b"Z"))
m = memoryview(bytearray(b"abcdef"))
m[0] = 90
m[1:3] = b"YX"
print(bytes(m), m[2], m[::2].tolist(), m.nbytes, m.readonly, m.format)
m2 = m[3:]
m2[0] = 48
print(m.tobytes(), len(m2))
for bad in (lambda: b"a" + "b", lambda: b[10], lambda: bytes([256]), lambda: bytes("x"), lambda: a.append(256),
            lambda: b"a" < "a", lambda: b"\xff".decode("ascii"), lambda: bytes(-1), lambda: b.index(b"zz")):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)
print(b"a" == "a", b"a" != "a", b"a" < b"b", hash(b"x") == hash(bytes([120])), {b"k": 1}[b"k"])
print(int.from_bytes(b"\x01\x00", "big"), (1000).to_bytes(2, "little"), int.from_bytes(b"\xff", "big", signed=True))
print(b"".join([b"a", b"b"]), b"abc"[::-1], b" x ".strip(), b"abc".startswith(b"ab"), b"a\nb".splitlines())
total = 0
for x in bytes(range(10)):
    total += x
print(total, sum(bytearray(3)), max(b"abc"), sorted(b"cab"), b"a" * 0, not b"", bool(bytearray(1)))
import struct

print(struct.pack("<IhB", 1, -2, 3), struct.unpack("<IhB", struct.pack("<IhB", 1, -2, 3)))
