"""Strings made bit by bit: += in a loop, join, formatting, slices."""

GROUP = "strings"
N = 350_000
EXPECTED = (1694445, "0,1,2", 338887, "349999:5572f")


def run(n):
    text = ""
    for i in range(n):
        text += "ab"
        if i % 2:
            text += str(i)
    parts = []
    for i in range(n // 6):
        parts.append(f"{i}")
    joined = ",".join(parts)
    last = ""
    for i in range(n):
        last = f"{i}:{i:x}"
    return len(text), joined[:5], len(joined), last


if __name__ == "__main__":
    print(run(N))
