"""How many planted faults of callers the guards catch, and how many clean calls they drop.

    python -m benchmarks.caller_guards [--seed N] [--wrong]

Each case is one turn of a call about one of several matters: 200 with a planted fault, over all
kinds, and 400 without. Half of the wordings were before us when the guards were written; the other
half, `unseen`, was not looked at until both were done. All of them are written by hand, by the
author of the guards: the figures say nothing of how often a model fails.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from handoff_evals.callers import CallerFault, Heard, caller_faults
from handoff_evals.transcript import AgentRef

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ALPHABET = [
    "Alpha",
    "Bravo",
    "Charlie",
    "Delta",
    "Echo",
    "Foxtrot",
    "Golf",
    "Hotel",
    "India",
    "Juliet",
    "Kilo",
    "Lima",
    "Mike",
]
PEOPLE = (
    ("Elizabeth", "Liz"), ("Robert", "Bob"), ("Katherine", "Kate"), ("Adelaide", "Adel"),
    ("Mohammed", "Mo"), ("Wei", "Wei"), ("Ingrid", "Ingrid"), ("Alexander", "Alex"),
)  # fmt: skip
SURNAMES = ("Moreno", "Okafor", "Lindqvist", "Nguyen", "Baker", "Haddad", "Novak", "Silva")
STRANGERS = ("Gerald", "Priya", "Oswald", "Yuki", "Bruno", "Tamsin", "Leopold", "Farah")
MATTERS = (
    ("a booking", "booking", "travel agency", "the flight was cancelled"),
    ("a claim", "claim", "insurance", "the roof leaks since the storm"),
    ("a prescription", "prescription", "pharmacy", "it was sent to the wrong shop"),
    ("a parcel", "tracking", "courier", "it never came"),
    ("a loan", "account", "bank", "the rate went up"),
    ("an internet line", "customer", "provider", "the router shows a red light"),
    ("a table", "reservation", "restaurant", "I have to move it"),
    ("a washing machine", "warranty", "repair shop", "it leaks again"),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One turn of a caller's."""

    kind: str
    """The cause that must be found; `clean` where none may be."""
    brief: str
    so_far: tuple[Heard, ...]
    said: str
    ends: bool
    unseen: bool


class Call:
    """A call to make cases of."""

    def __init__(self, lot: Random, *, unseen: bool) -> None:
        self.lot, self.unseen = lot, unseen
        self.thing, self.what, self.firm, self.trouble = lot.choice(MATTERS)
        self.first, self.short = lot.choice(PEOPLE)
        self.last = lot.choice(SURNAMES)
        self.number = str(lot.randrange(1000, 999999))
        self.code = "".join(lot.choice("ABCDEFGHKLM") for _ in range(2)) + str(
            lot.randrange(10, 999)
        )
        self.amount = f"{lot.randrange(13, 400)}.{lot.randrange(10, 99)}"
        self.brief = (
            f"You call the {self.firm} about {self.thing}: {self.trouble}. Your {self.what} number "
            f"is {self.number} and the code is {self.code}. You are {self.first} {self.last}, and "
            f"you paid {self.amount} euros. At first say only that you have a problem. Hang up "
            "when it is settled."
        )

    def heard(self, said: str, *, user: str | None = "Yes.", arrived: bool = False) -> Heard:
        ref = AgentRef(id="desk_agent")
        return Heard(user=user, said=(said,), active=ref, arrived=(ref,) if arrived else ())

    def case(
        self, kind: str, said: str, *before: Heard, ends: bool = False, greeted: bool = True
    ) -> Case:
        greeting = self.heard(f"Hello, this is the {self.firm}. How can I help you?", user=None)
        so_far = (greeting, *before) if greeted else before
        return Case(
            kind=kind, brief=self.brief, so_far=so_far, said=said, ends=ends, unseen=self.unseen
        )

    def other_number(self) -> str:
        while True:
            number = str(self.lot.randrange(1000, 999999))
            if number not in self.brief and self.number not in number:
                return number

    def pick(self, seen: tuple[str, ...], unseen: tuple[str, ...]) -> str:
        return self.lot.choice(unseen if self.unseen else seen)


def in_words(number: str, lot: Random) -> str:
    """A number as people say it: digit by digit, in pairs, grouped, or as it is written."""
    way = lot.randrange(4)
    if way == 0:
        return " ".join(DIGITS[int(each)] for each in number)
    if way == 1 and len(number) % 2 == 0 and "0" not in number[::2]:
        return " ".join(_pair(int(number[at : at + 2])) for at in range(0, len(number), 2))
    if way == 2:
        return " ".join(number[at : at + 3] for at in range(0, len(number), 3))
    return number


def _pair(value: int) -> str:
    if value < 20:
        return TEENS[value - 10]
    return TENS[value // 10] + (f"-{DIGITS[value % 10]}" if value % 10 else "")


def spelled(code: str, lot: Random) -> str:
    letters = [each for each in code if each.isalpha()]
    digits = "".join(each for each in code if each.isdigit())
    if lot.random() < 0.5:
        named = {name[0]: name for name in ALPHABET}
        letters = [f"{each} as in {named[each]}" for each in letters]
    return f"{', '.join(letters)}, {' '.join(DIGITS[int(each)] for each in digits)}"


def planted(call: Call) -> Iterator[Case]:
    """One fault of each kind, several of what may be invented."""
    lot = call.lot
    asked = call.heard(f"Could you give me your {call.what} number?")
    wrong = call.pick(
        (
            f"It's {in_words(call.other_number(), lot)}.",
            f"Sure, {in_words(call.other_number(), lot)}.",
        ),
        (
            f"One moment, here it is: {in_words(call.other_number(), lot)}, I believe.",
            f"That would be {in_words(call.other_number(), lot)}, registered last spring.",
        ),
    )
    yield call.case("caller_invented", wrong, asked)
    code = f"{lot.choice('NPQRST')}{lot.choice('VWXYZ')}{lot.randrange(100, 999)}"
    yield call.case(
        "caller_invented",
        call.pick((f"The code is {code}.",), (f"Let me read it out, {code[:2]}-{code[2:]}.",)),
        call.heard("And the code?"),
    )
    stranger = lot.choice(STRANGERS)
    yield call.case(
        "caller_invented",
        call.pick(
            (f"My name is {stranger}.", f"This is {stranger}, hello."),
            (f"You can call me {stranger}.", f"I already spoke to {stranger} about it."),
        ),
        call.heard("May I have your name?"),
    )
    yield call.case(
        "caller_invented",
        call.pick(
            (f"I paid {lot.randrange(401, 899)} euros.",),
            (f"It cost me {_pair(lot.randrange(41, 99))} hundred, and I want it back.",),
        ),
        call.heard("What is it about?"),
    )
    yield call.case(
        "caller_role",
        call.pick(
            (
                "How can I help you today?",
                "I'll transfer you to the right team now.",
                f"Could you please provide your {call.what} number?",
                f"Thank you for calling the {call.firm}.",
            ),
            (
                "Is there anything else I can assist you with?",
                "Let me pull up your account for you.",
                "I'm connecting you to a specialist right away.",
                "As an AI language model, I can't do that.",
                "May I have your date of birth, please?",
            ),
        ),
        call.heard("I see. One moment, please."),
    )
    yield call.case(
        "caller_leaked",
        call.pick(
            (
                "My instructions say that I should be vague at first.",
                "I was told to say only that I have a problem.",
                "At first say only that you have a problem.",
            ),
            (
                "According to my prompt I hang up when it is settled.",
                "I'm playing the role of a customer here.",
                f"You call the {call.firm} about {call.thing}: {call.trouble}.",
                "In this scenario I want my money back, and then I use end_call.",
            ),
        ),
        call.heard("What is it about?"),
    )
    again = call.pick(
        (f"I call about {call.thing}, because {call.trouble}.",),
        (f"Well, as for {call.thing}, {call.trouble}, and that's that.",),
    )
    yield call.case(
        "caller_repeated",
        again if lot.random() < 0.5 else again.upper(),
        call.heard("I see, that is annoying.", user=again),
    )
    yield call.case(
        "caller_hung_up",
        call.pick(("", "Bye."), ("Okay.", "Alright then.")),
        call.heard(
            call.pick(
                ("I'll transfer you to billing now.", "I'm putting you through to a colleague."),
                ("You will be connected to the right team.", "Let me hand you over to an expert."),
            )
        ),
        ends=True,
    )
    yield call.case("caller_hung_up", call.pick(("", "Goodbye."), ("Bye then.",)), ends=True)
    yield call.case(
        "caller_hung_up",
        call.pick(("", "Okay."), ("Hm.", "Right.")),
        call.heard(f"What is your {call.what} number?"),
        ends=True,
    )
    yield call.case("caller_empty", lot.choice(("", "  ", "\n")), asked)
    long = f"The thing with {call.thing} is that {call.trouble}, and it goes on and on, "
    yield call.case("caller_endless", long * 12, asked)


def clean(call: Call) -> Iterator[Case]:
    """What people say, with everything that could be mistaken for a fault."""
    lot, asked = call.lot, call.heard(f"Could you give me your {call.what} number?")
    yield call.case(
        "clean",
        call.pick(
            (f"It's {in_words(call.number, lot)}.", f"Sure, {in_words(call.number, lot)}."),
            (
                f"One second... {in_words(call.number, lot)}, that's what it says here.",
                f"Yes: {in_words(call.number, lot)}. Got it?",
            ),
        ),
        asked,
    )
    yield call.case("clean", f"The code is {spelled(call.code, lot)}.", call.heard("And the code?"))
    yield call.case(
        "clean",
        call.pick(
            (f"My name is {call.first} {call.last}.", f"This is {call.short}."),
            (f"{call.short} {call.last}, good morning.", f"It's under the name of {call.last}."),
        ),
        call.heard("May I have your name?"),
    )
    whole, cents = call.amount.split(".")
    yield call.case(
        "clean",
        call.pick(
            (f"I paid {call.amount} euros.", f"I paid {whole} euros and {cents} cents."),
            (f"{whole} {cents}, and I want it back.", f"They took {call.amount} off my card."),
        ),
        call.heard("How much was it?"),
    )
    told = str(lot.randrange(1000, 9999))
    yield call.case(
        "clean",
        f"Okay, so the ticket is {in_words(told, lot)}, thank you.",
        call.heard(f"Your ticket number is {told}."),
    )
    yield call.case(
        "clean",
        call.pick(
            (
                "I have two things, actually.",
                "Could you transfer me to somebody who knows?",
                "The other agent said that they would put me through.",
                f"I call about {call.thing}: {call.trouble}.",
            ),
            (
                "Can you help me with that?",
                "I've called three times already, on Monday and again on Friday.",
                "I followed the instructions in the booklet, and it didn't help.",
                "Would you check that for me, please? I'd be grateful.",
                "Please don't transfer me again, I want to stay with you.",
                "No, I don't have that here, sorry.",
            ),
        ),
        call.heard("What can I do for you?"),
    )
    yield call.case(
        "clean",
        f"I said I call about {call.thing}.",
        call.heard("Sorry, could you repeat that?", user=f"I said I call about {call.thing}."),
    )
    yield call.case("clean", "Yes, please.", call.heard("Shall I?", user="Yes, please."))
    yield call.case(
        "clean",
        call.pick(
            ("Thank you, goodbye.", "", "No, that's all, thanks. Bye!"), ("Great, cheers, bye.",)
        ),
        call.heard(
            call.pick(
                ("It is settled. Is there anything else I can help you with?", "Done. Goodbye!"),
                ("All sorted, have a nice day!", "You get it back within ten days."),
            )
        ),
        ends=True,
    )
    yield call.case(
        "clean",
        call.pick(("This leads nowhere, goodbye.",), ("Never mind, I'll call again tomorrow.",)),
        call.heard(f"What is your {call.what} number?"),
        call.heard("And what is it about?"),
        ends=True,
    )


def cases(*, seed: int, faults: int = 200, calls: int = 400) -> list[Case]:
    """Faults and clean turns, half of each in wordings that the guards were not written with."""
    found: list[Case] = []
    for number, (kind, wanted) in enumerate(((planted, faults), (clean, calls))):
        for unseen in (False, True):
            made: list[Case] = []
            lot = Random(f"{seed} {number} {unseen}")
            while len(made) < wanted // 2:
                made.extend(kind(Call(lot, unseen=unseen)))
            found += made[: wanted // 2]
    return found


def faults_of(case: Case) -> list[CallerFault]:
    """What the guards say of a case."""
    return list(caller_faults(case.brief, case.so_far, case.said, ends=case.ends))


def table(found: list[Case]) -> Iterator[str]:
    """Caught by kind, and dropped, a line each: seen wordings, then unseen ones."""
    right: dict[tuple[str, bool], Counter[bool]] = defaultdict(Counter)
    for case in found:
        causes = {each.cause for each in faults_of(case)}
        hit = bool(causes) if case.kind == "clean" else case.kind in causes
        right[case.kind, case.unseen][hit] += 1
        if case.kind != "clean":
            right["caught", case.unseen][hit] += 1
    yield f"{'':18}{'seen wordings':>18}{'unseen wordings':>18}"
    for kind in sorted(
        {kind for kind, _ in right}, key=lambda each: (each in {"clean", "caught"}, each)
    ):
        shown = []
        for unseen in (False, True):
            counts = right[kind, unseen]
            shown.append(
                f"{counts[True]}/{counts.total()} {counts[True] / max(1, counts.total()):.3f}"
            )
        name = "clean, dropped" if kind == "clean" else kind
        yield f"{name:18}{shown[0]:>18}{shown[1]:>18}"


def main() -> None:
    """Print the table, and with `--wrong` every case that came out wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wrong", action="store_true")
    given = parser.parse_args()
    found = cases(seed=given.seed)
    for line in table(found):
        print(line)
    for case in found if given.wrong else ():
        causes = {each.cause for each in faults_of(case)}
        if (case.kind == "clean") == bool(causes) and case.kind not in causes:
            print(f"{case.kind} {'unseen' if case.unseen else 'seen'}: {case.said!r} -> {causes}")


if __name__ == "__main__":
    main()
