def bubble(a):
    a = list(a)
    for i in range(len(a)):
        for j in range(len(a) - 1 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
    return a


def quick(a):
    if len(a) < 2:
        return list(a)
    p, *rest = a
    return quick([x for x in rest if x < p]) + [p] + quick([x for x in rest if x >= p])


def merge(a):
    if len(a) < 2:
        return list(a)
    m = len(a) // 2
    left, right, out = merge(a[:m]), merge(a[m:]), []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            out.append(left[i])
            i += 1
        else:
            out.append(right[j])
            j += 1
    return out + left[i:] + right[j:]


def heap(a):
    a = list(a)

    def sift(start, end):
        root = start
        while (child := 2 * root + 1) < end:
            if child + 1 < end and a[child] < a[child + 1]:
                child += 1
            if a[root] >= a[child]:
                return
            a[root], a[child] = a[child], a[root]
            root = child

    for i in range(len(a) // 2 - 1, -1, -1):
        sift(i, len(a))
    for end in range(len(a) - 1, 0, -1):
        a[0], a[end] = a[end], a[0]
        sift(0, end)
    return a


def insertion(a):
    out = []
    for x in a:
        i = len(out)
        while i and out[i - 1] > x:
            i -= 1
        out.insert(i, x)
    return out


def radix(a):
    base = 1
    a = list(a)
    while any(x // base for x in a):
        buckets = [[] for _ in range(10)]
        for x in a:
            buckets[x // base % 10].append(x)
        a = [x for b in buckets for x in b]
        base *= 10
    return a


seed = 12345
data = []
for _ in range(120):
    seed = (seed * 1103515245 + 12345) % 2**31
    data.append(seed % 1000)
for f in (bubble, quick, merge, heap, insertion, radix):
    print(f.__name__, f(data) == sorted(data), f(data)[:5])
print(merge("the quick brown fox".split()), quick([2.5, 1, True, -3.0]), heap([]), bubble([1]))
