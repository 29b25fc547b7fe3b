def down(n):
    return down(n - 1) if n else 1 // n


print("start")
down(20)
