class BrokenInvariantError(AssertionError):
    def __init__(self, invariant, why, *, turns, subject):
        self.invariant=invariant
        super().__init__(f"{invariant}: {why}\n" + "\n".join(map(str, turns)))
