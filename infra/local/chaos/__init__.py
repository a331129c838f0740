"""Chaos on the real local stack: the host is killed again and again, services stumble, people edit; what is left?

Layers, each knowing only those before it:

    plan      how much of everything, and by which seed
    company   the records: who has them at first, and how they are found on both sides
    people    edits that go on meanwhile; remembers every one that was acknowledged
    trouble   faults that the simulators are ordered to have
    killer    kills the host at random moments and starts it again
    asking    keeps a run on, however often the host dies
    laws      what must hold in the end, pure
    messages  what the queue still holds
    judge     looks at everything from outside when all is quiet again, and applies the laws
    trial     the whole story
"""
