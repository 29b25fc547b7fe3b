"""An incremental solver of one-way constraints with strengths.

After the idea of the DeltaBlue algorithm (a variable is determined by the strongest
constraint that can; adding one may displace a weaker one), written anew and small:
deep class hierarchy, polymorphic methods, lists of objects, identity tests.
"""

GROUP = "object_model"
N = 1_200
EXPECTED = (109, 12467238)

REQUIRED, STRONG, PREFERRED, NORMAL, WEAK, WEAKEST = range(6)


class Variable:
    def __init__(self, name, value=0):
        self.name = name
        self.value = value
        self.constraints = []
        self.by = None
        self.strength = WEAKEST
        self.stays = True
        self.mark = 0


class Constraint:
    def __init__(self, strength):
        self.strength = strength

    def variables(self):
        raise NotImplementedError

    def is_input(self):
        return False

    def satisfied(self):
        return self.output() is not None

    def post(self, solver):
        for variable in self.variables():
            variable.constraints.append(self)
        solver.add(self)

    def drop(self, solver):
        solver.remove(self)
        for variable in self.variables():
            variable.constraints.remove(self)


class Unary(Constraint):
    def __init__(self, variable, strength, solver):
        super().__init__(strength)
        self.variable = variable
        self.chosen = False
        self.post(solver)

    def variables(self):
        return [self.variable]

    def output(self):
        return self.variable if self.chosen else None

    def inputs(self):
        return []

    def choose(self, mark):
        v = self.variable
        self.chosen = v.mark != mark and self.strength < v.strength
        return self.chosen

    def forget(self):
        self.chosen = False

    def recalculate(self):
        v = self.variable
        v.strength = self.strength
        v.stays = not self.is_input()
        if v.stays:
            self.execute()


class Stay(Unary):
    def execute(self):
        pass


class Edit(Unary):
    def is_input(self):
        return True

    def execute(self):
        pass


class Binary(Constraint):
    def __init__(self, first, second, strength, solver):
        super().__init__(strength)
        self.first = first
        self.second = second
        self.direction = 0
        self.post(solver)

    def variables(self):
        return [self.first, self.second]

    def output(self):
        return (None, self.second, self.first)[self.direction]

    def inputs(self):
        return ([], [self.first], [self.second])[self.direction]

    def choose(self, mark):
        a, b = self.first, self.second
        self.direction = 0
        if a.mark == mark:
            if b.mark != mark and self.strength < b.strength:
                self.direction = 1
        elif b.mark == mark:
            if self.strength < a.strength:
                self.direction = 2
        elif a.strength > b.strength:
            if self.strength < a.strength:
                self.direction = 2
        elif self.strength < b.strength:
            self.direction = 1
        return self.direction != 0

    def forget(self):
        self.direction = 0

    def recalculate(self):
        source = self.inputs()[0]
        target = self.output()
        target.strength = max(self.strength, source.strength)
        target.stays = source.stays
        if target.stays:
            self.execute()


class Equal(Binary):
    def execute(self):
        self.output().value = self.inputs()[0].value


class Scale(Binary):
    """second = first * factor + offset"""

    def __init__(self, first, factor, offset, second, strength, solver):
        self.factor = factor
        self.offset = offset
        super().__init__(first, second, strength, solver)

    def variables(self):
        return [self.first, self.second, self.factor, self.offset]

    def inputs(self):
        return [*super().inputs(), self.factor, self.offset] if self.direction else []

    def execute(self):
        if self.direction == 1:
            self.second.value = self.first.value * self.factor.value + self.offset.value
        else:
            self.first.value = (self.second.value - self.offset.value) // self.factor.value

    def recalculate(self):
        source, target = self.inputs()[0], self.output()
        target.strength = max(self.strength, source.strength)
        target.stays = source.stays and self.factor.stays and self.offset.stays
        if target.stays:
            self.execute()


class Solver:
    def __init__(self):
        self.mark = 0

    def new_mark(self):
        self.mark += 1
        return self.mark

    def add(self, constraint):
        mark = self.new_mark()
        displaced = self.satisfy(constraint, mark)
        while displaced is not None:
            displaced = self.satisfy(displaced, mark)

    def satisfy(self, constraint, mark):
        """Make the constraint hold if it may; the weaker one that it displaced, or None."""
        if not constraint.choose(mark):
            if constraint.strength == REQUIRED:
                raise ValueError("a required constraint can't be satisfied")
            return None
        for variable in constraint.inputs():
            variable.mark = mark
        target = constraint.output()
        displaced = target.by
        if displaced is not None:
            displaced.forget()
        target.by = constraint
        self.propagate(constraint, mark)
        target.mark = mark
        return displaced

    def propagate(self, constraint, mark):
        todo = [constraint]
        while todo:
            c = todo.pop()
            if c.output().mark == mark:
                self.drop_incremental(c)
                raise ValueError("constraints form a cycle")
            c.recalculate()
            self.add_consumers(c.output(), todo)

    def drop_incremental(self, constraint):
        constraint.forget()

    def add_consumers(self, variable, into):
        by = variable.by
        for c in variable.constraints:
            if c is not by and c.satisfied():
                into.append(c)

    def remove(self, constraint):
        target = constraint.output()
        if target is None:
            return
        constraint.forget()
        target.by = None
        target.strength = WEAKEST
        target.stays = True
        free = []
        todo = [target]
        while todo:
            variable = todo.pop()
            for c in variable.constraints:
                if c is not constraint and not c.satisfied():
                    free.append(c)
            by = variable.by
            for c in variable.constraints:
                if c is not by and c.satisfied():
                    c.recalculate()
                    todo.append(c.output())
        free.sort(key=lambda c: c.strength)
        for c in free:
            self.add(c)

    def plan(self, sources):
        """The constraints to execute, in order, when the sources' outputs change."""
        mark = self.new_mark()
        plan = []
        todo = [c for c in sources if c.satisfied()]
        while todo:
            c = todo.pop()
            target = c.output()
            if target.mark != mark and self.known(c, mark):
                plan.append(c)
                target.mark = mark
                self.add_consumers(target, todo)
        return plan

    def known(self, constraint, mark):
        return all(v.mark == mark or v.stays or v.by is None for v in constraint.inputs())


def change(solver, variable, value):
    edit = Edit(variable, STRONG, solver)
    plan = solver.plan([edit])
    for step in range(10):
        variable.value = value + step
        for c in plan:
            c.execute()
    edit.drop(solver)


def chain(n):
    solver = Solver()
    variables = [Variable(f"v{i}") for i in range(n + 1)]
    for a, b in zip(variables, variables[1:]):
        Equal(a, b, REQUIRED, solver)
    Stay(variables[-1], WEAK, solver)
    change(solver, variables[0], 100)
    return variables[-1].value


def projection(n):
    solver = Solver()
    factor, offset = Variable("factor", 10), Variable("offset", 1000)
    targets = []
    for i in range(n):
        source, target = Variable(f"s{i}", i), Variable(f"t{i}", i)
        targets.append(target)
        Stay(source, NORMAL, solver)
        Scale(source, factor, offset, target, REQUIRED, solver)
    change(solver, source, 17)
    last = targets[-1].value
    change(solver, factor, 5)
    change(solver, offset, 2000)
    return last + sum(t.value for t in targets)


def run(n):
    return chain(n * 5), projection(n)


if __name__ == "__main__":
    print(run(N))
