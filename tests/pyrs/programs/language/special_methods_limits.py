"""How deep special methods go before RecursionError, and what it says."""

import sys
sys.setrecursionlimit(400)
n = 0
class C:
    def __init__(s): pass
    def __add__(s, o): global n; n += 1; return s + o
    def __radd__(s, o): global n; n += 1; return 1 + s
    def __eq__(s, o): global n; n += 1; return s == o
    def __lt__(s, o): global n; n += 1; return "y" if s < o else "n"
    def __bool__(s): global n; n += 1; return True if s else False
    def __getitem__(s, i): global n; n += 1; return s[i]
    def __setitem__(s, i, v): global n; n += 1; s[i] = v
    def __delitem__(s, i): global n; n += 1; del s[i]
    def __contains__(s, i): global n; n += 1; return i in s
    def __call__(s): global n; n += 1; return s()
    def __neg__(s): global n; n += 1; return -s
    def __getattr__(s, name): global n; n += 1; return s.y
    def __iter__(s): global n; n += 1; return [x for x in s]
    def __len__(s): global n; n += 1; return len(s)
    @property
    def p(s): global n; n += 1; return s.p
class NE:
    def __eq__(s, o): global n; n += 1; return s != o
class GA:
    def __getattribute__(s, name): global n; n += 1; return s.x
class SA:
    def __setattr__(s, name, v): global n; n += 1; s.x = v
class New:
    def __new__(cls): global n; n += 1; return New()
class NewI:
    def __new__(cls): return object.__new__(cls)
    def __init__(s): global n; n += 1; NewI()
class Init:
    def __init__(s): global n; n += 1; Init()
class M(type):
    def __call__(cls): global n; n += 1; return cls()
class K(metaclass=M): pass
class Nx:
    def __iter__(s): return s
    def __next__(s):
        global n; n += 1
        for x in s: pass
class D:
    def __get__(s, o, t): global n; n += 1; return o.d
class HD: d = D()
class CM:
    def __enter__(s):
        global n; n += 1
        with s: pass
    def __exit__(s, *a): pass
c = C()
def s_add(): c + 1
def s_radd(): 1 + c
def s_eq(): c == 1
def s_lt(): c < 1
def s_bool(): not c
def s_get(): c[1]
def s_set(): c[1] = 2
def s_del(): del c[1]
def s_in(): 1 in c
def s_call(): c()
def s_neg(): -c
def s_getattr(): c.zz
def s_iter(): [x for x in c]
def s_len(): len(c)
def s_prop(): c.p
def s_ne(): NE() == 1
def s_ga(): GA().x
def s_sa(): SA().x = 1
def s_new(): New()
def s_newi(): NewI()
def s_init(): Init()
def s_meta(): K()
def s_next():
    for x in Nx(): pass
def s_desc(): HD().d
def s_with():
    with CM(): pass
for name, f in list(globals().items()):
    if name.startswith("s_"):
        seen = []
        for _ in range(3):
            n = 0
            try: f()
            except RecursionError as e: seen.append((n, str(e)))
        print(name, seen)
class R:
    def __repr__(s): global n; n += 1; return repr(s)
    def __str__(s): global n; n += 1; return str(s)
    def __hash__(s): global n; n += 1; return hash(s)
    def __bool__(s): global n; n += 1; return bool(s)
    def __getattr__(s, name): global n; n += 1; return getattr(s, name)
class F:
    def __repr__(s): global n; n += 1; return f"{s!r}"
    def __str__(s): global n; n += 1; return f"{s}"
    def __format__(s, spec): global n; n += 1; return f"{s:{spec}}"
class FR:
    def __repr__(s): global n; n += 1; return f"{s}"
class Mi(dict):
    def __missing__(s, key): global n; n += 1; return s[key]
class CG:
    def __class_getitem__(s, key): global n; n += 1; return s[key]
class SM(type):
    def __call__(s, *args): global n; n += 1; return super().__call__(*args)
class OSM(metaclass=SM):
    def __init__(s): OSM()
def d_repr(): repr(R())
def d_str(): str(R())
def d_hash(): hash(R())
def d_bool(): bool(R())
def d_getattr(): getattr(R(), "x")
def d_hasattr(): hasattr(R(), "x")
def d_f(): f"{F():x}"
def d_fr(): f"{F()!r}"
def d_fs(): f"{F()!s}"
def d_frep(): f"{FR()}"
def d_missing(): Mi()[1]
def d_generic(): CG[1]
def d_type_call(): OSM()
for name, f in list(globals().items()):
    if name.startswith("d_"):
        seen = []
        for _ in range(3):
            n = 0
            try: f()
            except RecursionError as e: seen.append((n, str(e)))
        print(name, seen)
