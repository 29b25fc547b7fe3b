def life(cells, steps):
    for _ in range(steps):
        counts = {}
        for x, y in cells:
            for dx in (-1, 0, 1):
                for dy in (-1, 0, 1):
                    if dx or dy:
                        counts[x + dx, y + dy] = counts.get((x + dx, y + dy), 0) + 1
        cells = {c for c, n in counts.items() if n == 3 or n == 2 and c in cells}
    return cells


glider = {(1, 0), (2, 1), (0, 2), (1, 2), (2, 2)}
print(sorted(life(glider, 4)) == sorted((x + 1, y + 1) for x, y in glider), sorted(life(glider, 10)))


def sudoku(board):
    def candidates(r, c):
        used = set(board[r]) | {board[i][c] for i in range(9)} | {board[r // 3 * 3 + i][c // 3 * 3 + j] for i in range(3) for j in range(3)}
        return [d for d in "123456789" if d not in used]

    best = None
    for r in range(9):
        for c in range(9):
            if board[r][c] == ".":
                options = candidates(r, c)
                if best is None or len(options) < len(best[2]):
                    best = r, c, options
    if best is None:
        return True
    r, c, options = best
    for d in options:
        board[r][c] = d
        if sudoku(board):
            return True
    board[r][c] = "."
    return False


puzzle = """53..7....
6..195...
.98....6.
8...6...3
4..8.3..1
7...2...6
.6....28.
...419..5
....8..79"""
board = [list(row) for row in puzzle.splitlines()]
print(sudoku(board), *("".join(row) for row in board), sep="\n")


class TicTacToe:
    lines = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]

    def __init__(self):
        self.cells = [" "] * 9
        self.seen = 0

    def winner(self):
        for a, b, c in self.lines:
            if self.cells[a] == self.cells[b] == self.cells[c] != " ":
                return self.cells[a]
        return None

    def minimax(self, player):
        self.seen += 1
        if w := self.winner():
            return (1 if w == "X" else -1), None
        free = [i for i, c in enumerate(self.cells) if c == " "]
        if not free:
            return 0, None
        best = None
        for i in free:
            self.cells[i] = player
            score, _ = self.minimax("O" if player == "X" else "X")
            self.cells[i] = " "
            if best is None or (score > best[0] if player == "X" else score < best[0]):
                best = score, i
        return best


game = TicTacToe()
game.cells[0], game.cells[4] = "X", "O"
print(game.minimax("X"), game.seen)


def knapsack(items, limit):
    best = [0] * (limit + 1)
    for weight, value in items:
        for w in range(limit, weight - 1, -1):
            best[w] = max(best[w], best[w - weight] + value)
    return best[limit]


def lcs(a, b):
    t = [[""] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            t[i + 1][j + 1] = t[i][j] + x if x == y else max(t[i][j + 1], t[i + 1][j], key=len)
    return t[-1][-1]


def edit(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        prev, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            prev, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, prev + (x != y))
    return row[-1]


print(knapsack([(2, 3), (3, 4), (4, 5), (5, 6)], 9), lcs("stackless", "tackle box"), edit("kitten", "sitting"), edit("", "abc"))


def coins(n, kinds=(1, 5, 10, 25, 50)):
    ways = [1] + [0] * n
    for k in kinds:
        for i in range(k, n + 1):
            ways[i] += ways[i - k]
    return ways[n]


def roman(n):
    out = ""
    for v, s in ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        while n >= v:
            out += s
            n -= v
    return out


print(coins(100), coins(500), [roman(n) for n in (4, 9, 14, 1994, 2024, 3999)])
print([n for n in range(1, 500) if sum(d for d in range(1, n) if n % d == 0) == n], [n for n in range(100, 1000) if n == sum(int(d) ** 3 for d in str(n))])
for y in range(-6, 7, 2):
    row = ""
    for x in range(-20, 8):
        c, z, n = complex(x / 9, y / 6), 0, 0
        while abs(z) < 2 and n < 30:
            z, n = z * z + c, n + 1
        row += " .:-=+*#%@"[min(n // 3, 9)]
    print(row.rstrip())
