"""A small operating system: tasks of several kinds pass packets under a scheduler.

The shape of the well-known Richards benchmark (a device handler, two workers and an idle
task over queues of packets), written anew: polymorphic `step` methods, linked queues, flags.
"""

GROUP = "object_model"
N = 25_000
EXPECTED = (56633, 24999)

IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = range(6)
TO_DEVICE, TO_WORKER = range(2)


class Packet:
    def __init__(self, link, owner, kind):
        self.link = link
        self.owner = owner
        self.kind = kind
        self.value = 0
        self.data = [0, 0, 0, 0]

    def queued_after(self, queue):
        """The queue with this packet at its end."""
        self.link = None
        if queue is None:
            return self
        last = queue
        while last.link is not None:
            last = last.link
        last.link = self
        return queue


class Task:
    def __init__(self, system, number, priority, queue):
        self.system = system
        self.number = number
        self.priority = priority
        self.queue = queue
        self.waiting = queue is None
        self.held = False
        system.add(self)

    def runnable(self):
        return not self.held and not (self.waiting and self.queue is None)

    def take(self):
        packet = self.queue
        if packet is not None:
            self.queue = packet.link
            self.waiting = False
        return packet

    def put(self, packet):
        self.queue = packet.queued_after(self.queue)

    def wait(self):
        self.waiting = True

    def step(self):
        raise NotImplementedError


class Idle(Task):
    def __init__(self, system, number, priority, rounds):
        super().__init__(system, number, priority, None)
        self.waiting = False
        self.control = 1
        self.rounds = rounds

    def step(self):
        self.rounds -= 1
        if self.rounds == 0:
            self.held = True
            return
        if self.control & 1 == 0:
            self.control //= 2
            self.system.release(DEVICE_A)
        else:
            self.control = self.control // 2 ^ 0xD008
            self.system.release(DEVICE_B)


class Worker(Task):
    def __init__(self, system, number, priority, queue):
        super().__init__(system, number, priority, queue)
        self.target = HANDLER_A
        self.letter = 0

    def step(self):
        packet = self.take()
        if packet is None:
            return self.wait()
        self.target = HANDLER_B if self.target == HANDLER_A else HANDLER_A
        packet.owner = self.number
        packet.value = 0
        for i in range(4):
            self.letter = self.letter + 1 if self.letter < 26 else 1
            packet.data[i] = 64 + self.letter
        self.system.send(packet, self.target)


class Handler(Task):
    def __init__(self, system, number, priority, queue, device):
        super().__init__(system, number, priority, queue)
        self.device = device
        self.work = None
        self.done = None

    def step(self):
        packet = self.take()
        if packet is not None:
            if packet.kind == TO_WORKER:
                self.work = packet.queued_after(self.work)
            else:
                self.done = packet.queued_after(self.done)
        work = self.work
        if work is None:
            return self.wait()
        if work.value >= 4:
            self.work = work.link
            return self.system.send(work, WORKER)
        if self.done is None:
            return self.wait()
        device_packet = self.done
        self.done = device_packet.link
        device_packet.value = work.data[work.value]
        work.value += 1
        device_packet.owner = self.number
        self.system.send(device_packet, self.device)


class Device(Task):
    def __init__(self, system, number, priority):
        super().__init__(system, number, priority, None)
        self.pending = None

    def step(self):
        packet = self.take()
        if packet is not None:
            self.pending = packet
            self.held = True
            return
        if self.pending is None:
            return self.wait()
        packet, self.pending = self.pending, None
        self.system.send(packet, packet.owner)


class System:
    def __init__(self):
        self.tasks = [None] * 6
        self.order = []
        self.sent = 0
        self.released = 0

    def add(self, task):
        self.tasks[task.number] = task
        self.order.append(task)
        self.order.sort(key=lambda t: -t.priority)

    def send(self, packet, number):
        self.sent += 1
        self.tasks[number].put(packet)

    def release(self, number):
        self.released += 1
        self.tasks[number].held = False

    def run(self):
        while True:
            for task in self.order:
                if task.runnable():
                    task.step()
                    break
            else:
                return


def packets(count, owner, kind):
    queue = None
    for _ in range(count):
        queue = Packet(queue, owner, kind)
    return queue


def run(n):
    system = System()
    Idle(system, IDLE, 0, n)
    Worker(system, WORKER, 1000, packets(2, WORKER, TO_WORKER))
    Handler(system, HANDLER_A, 2000, packets(3, DEVICE_A, TO_DEVICE), DEVICE_A)
    Handler(system, HANDLER_B, 3000, packets(3, DEVICE_B, TO_DEVICE), DEVICE_B)
    Device(system, DEVICE_A, 4000)
    Device(system, DEVICE_B, 5000)
    system.run()
    return system.sent, system.released


if __name__ == "__main__":
    print(run(N))
