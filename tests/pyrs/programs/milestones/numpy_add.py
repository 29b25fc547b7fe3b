import numpy as np

a = np.arange(6).reshape(2, 3)
print(a + a)
print((a + a).sum(), (a * 1.5).mean(), a.T @ a)
print(np.array([x * x for x in range(5)]) + 0.5)
print(np.vectorize(lambda x: x % 2 == 0)(a))
try:
    a + np.zeros(4)
except ValueError as e:
    print(e)
