"""Loops in loops with a branch inside: pairs of a grid that satisfy a condition."""

GROUP = "control_flow"
N = 120
EXPECTED = 571000


def run(n):
    count = 0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                if (i + j) % 3 == k % 3:
                    if i != j or k > 5:
                        count += 1
                elif i == k:
                    continue
                elif k > n - 3:
                    break
    return count


if __name__ == "__main__":
    print(run(N))
