"""Lists grown, indexed, sliced, sorted, reversed, searched."""

GROUP = "collections"
N = 200_000
EXPECTED = (22048083978, 66634)


def run(n):
    numbers = []
    for i in range(n):
        numbers.append((i * 7919) % n)
    for i in range(1, n):
        numbers[i] = numbers[i] ^ numbers[i - 1]
    total = 0
    for i in range(0, n - 4, 4):
        a, b, c, d = numbers[i : i + 4]
        total += a - b + c - d
    ordered = sorted(numbers, key=lambda x: -x)
    stack = []
    for x in ordered:
        if x % 3:
            stack.append(x)
        elif stack:
            total += stack.pop()
    ordered.reverse()
    total += sum(ordered[::2]) + (17 in ordered[:1000])
    return total, len(stack)


if __name__ == "__main__":
    print(run(N))
