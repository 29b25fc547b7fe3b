class Calculator:
    def __init__(self, text):
        self.tokens = self.tokenize(text)
        self.i = 0
        self.names = {"pi": 3}

    @staticmethod
    def tokenize(text):
        out, i = [], 0
        while i < len(text):
            c = text[i]
            if c.isspace():
                i += 1
            elif c.isdigit():
                j = i
                while j < len(text) and (text[j].isdigit() or text[j] == "."):
                    j += 1
                out.append(float(text[i:j]) if "." in text[i:j] else int(text[i:j]))
                i = j
            elif c.isalpha():
                j = i
                while j < len(text) and text[j].isalnum():
                    j += 1
                out.append(("name", text[i:j]))
                i = j
            elif c in "+-*/()^":
                out.append(c)
                i += 1
            else:
                raise SyntaxError(f"unexpected {c!r} at {i}")
        return out

    def peek(self):
        return self.tokens[self.i] if self.i < len(self.tokens) else None

    def take(self):
        t = self.peek()
        self.i += 1
        return t

    def expr(self):
        v = self.term()
        while self.peek() in ("+", "-"):
            v = v + self.term() if self.take() == "+" else v - self.term()
        return v

    def term(self):
        v = self.power()
        while self.peek() in ("*", "/"):
            v = v * self.power() if self.take() == "*" else v / self.power()
        return v

    def power(self):
        base = self.atom()
        if self.peek() == "^":
            self.take()
            return base ** self.power()
        return base

    def atom(self):
        match self.take():
            case "(":
                v = self.expr()
                if self.take() != ")":
                    raise SyntaxError("expected )")
                return v
            case "-":
                return -self.atom()
            case ("name", n):
                return self.names[n]
            case int() | float() as v:
                return v
            case t:
                raise SyntaxError(f"unexpected {t}")


for text in ("1 + 2 * 3", "(1+2)*3", "2^3^2", "-4 + 10 / 4", "pi * (2 - -3)", "1 +", "(1", "2 $ 3", "x", "1/0"):
    try:
        print(text, "=", Calculator(text).expr())
    except (SyntaxError, KeyError, ZeroDivisionError) as e:
        print(text, "->", type(e).__name__, e)


def brainf(code, data=""):
    jumps, stack = {}, []
    for i, c in enumerate(code):
        if c == "[":
            stack.append(i)
        elif c == "]":
            jumps[i] = stack.pop()
            jumps[jumps[i]] = i
    tape, p, i, out, inp = [0] * 100, 0, 0, [], iter(data)
    while i < len(code):
        c = code[i]
        if c == ">":
            p += 1
        elif c == "<":
            p -= 1
        elif c == "+":
            tape[p] = (tape[p] + 1) % 256
        elif c == "-":
            tape[p] = (tape[p] - 1) % 256
        elif c == ".":
            out.append(chr(tape[p]))
        elif c == ",":
            tape[p] = ord(next(inp, "\0"))
        elif c == "[" and not tape[p] or c == "]" and tape[p]:
            i = jumps[i]
        i += 1
    return "".join(out)


print(brainf("++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------.--------.>>+."))
print(brainf(",[.-]", "\5") == "\5\4\3\2\1", brainf(",[.,]", "echo"))


def lisp(text):
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()

    def parse():
        t = tokens.pop(0)
        if t == "(":
            out = []
            while tokens[0] != ")":
                out.append(parse())
            tokens.pop(0)
            return out
        try:
            return int(t)
        except ValueError:
            return t

    def ev(x, env):
        if isinstance(x, str):
            while x not in env:
                env = env["outer"]
            return env[x]
        if not isinstance(x, list):
            return x
        head, *args = x
        if head == "if":
            return ev(args[1] if ev(args[0], env) else args[2], env)
        if head == "define":
            env[args[0]] = ev(args[1], env)
            return None
        if head == "lambda":
            return lambda *v: ev(args[1], {**dict(zip(args[0], v)), "outer": env})
        if head == "begin":
            return [ev(a, env) for a in args][-1]
        return ev(head, env)(*[ev(a, env) for a in args])

    base = {"+": lambda *a: sum(a), "-": lambda a, b: a - b, "*": lambda a, b: a * b, "<": lambda a, b: a < b, "list": lambda *a: list(a)}
    return ev(parse(), base)


print(lisp("(begin (define fact (lambda (n) (if (< n 2) 1 (* n (fact (- n 1)))))) (fact 20))"))
print(lisp("(begin (define make (lambda (x) (lambda (y) (+ x y)))) (define add5 (make 5)) (list (add5 1) (add5 10)))"))
