class Animal:
    count = 0

    def __init__(self, name):
        self.name = name
        Animal.count += 1

    def speak(self):
        return f"{self.name} makes {self.sound()}"

    def sound(self):
        return "no sound"

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r})"


class Dog(Animal):
    def __init__(self, name, tricks=()):
        super().__init__(name)
        self.tricks = list(tricks)

    def sound(self):
        return "woof"

    def __add__(self, trick):
        return Dog(self.name, [*self.tricks, trick])


class Puppy(Dog):
    def sound(self):
        return super().sound() + "!"

    @property
    def age(self):
        return "young"

    @classmethod
    def named(cls, *names):
        return [cls(name) for name in names]

    @staticmethod
    def years(n):
        return n * 7


class Swimmer:
    def move(self):
        return "swims"


class Runner:
    def move(self):
        return "runs"


class Otter(Swimmer, Runner, Animal):
    def move(self):
        return super().move() + " and " + Runner.move(self)


for animal in (Animal("Thing"), Dog("Rex"), Puppy("Tim"), Otter("Ole")):
    print(animal, animal.speak(), isinstance(animal, Dog), issubclass(type(animal), Animal))
rex = Dog("Rex") + "sit" + "roll"
print(rex.tricks, Animal.count)
print(Puppy.named("a", "b"), Puppy("c").age, Puppy.years(2))
print(Otter("Oda").move(), [c.__name__ for c in Otter.__mro__])
try:
    Animal("x").tricks
except AttributeError as e:
    print(e)
try:
    Dog()
except TypeError as e:
    print(e)
