"""Synthetic commercial contracts with known answers, and the questions asked about them.

    generate(random.Random(7), target_tokens=600) -> Contract(text, facts)

Everything is invented from word lists; no real person or company is meant. A contract has a
title, parties, recitals and clauses in random order. Each fact is phrased in one of many ways
and sits among filler clauses that carry numbers, dates, names and amounts of their own. The
length is set by the amount of filler, so any target can be asked for.

Templates use two notations: ``[a|b|c]`` picks one alternative, ``{slot}`` is filled in.
"""

import argparse
import json
import os
import random
import re
from dataclasses import dataclass, field

from tokenizer import Tokenizer
from wording import (ACTIVITIES, CITIES, DETAILS, FACTS, FILLER, FIRST_NAMES, FIRST_WORDS,
                     FREQUENCIES, ITEMS, LABELS, LAST_NAMES, LAWS, MONTHS, NUMBER_WORDS, OPENINGS,
                     PARTS, PART_INTROS, PART_NAMES, QUALITIES, RECITALS, ROLES, SECOND_WORDS,
                     SIGNATURES, STREETS, SUFFIXES, SYLLABLES, TITLES)

TYPES = ["services agreement", "lease agreement", "license agreement", "supply agreement",
         "consulting agreement"]

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Commercial contract",
    "type": "object",
    "properties": {
        "agreement_type": {"type": "string", "enum": TYPES,
                           "description": "What type of agreement is this?"},
        "provider": {"type": "string",
                     "description": "Who is the provider, seller, landlord or consultant?"},
        "client": {"type": "string",
                   "description": "Who is the client, buyer or tenant?"},
        "effective_date": {"type": "string", "format": "date",
                           "description": "When does the agreement take effect?"},
        "term_months": {"type": "integer",
                        "description": "How many months does the initial term last?"},
        "total_fee": {"type": "number",
                      "description": "What is the total fee in dollars?"},
        "payment_days": {"type": "integer",
                         "description": "Within how many days must an invoice be paid?"},
        "notice_days": {"type": "integer",
                        "description": "How many days of notice does termination need?"},
        "governing_law": {"type": "string",
                          "description": "Which law governs the agreement?"},
        "auto_renewal": {"type": "boolean",
                         "description": "Does the agreement renew automatically?"},
        "contract_number": {"type": "string",
                            "description": "What is the contract number?"},
        "liability_cap": {"type": "number",
                          "description": "What is the limit of liability in dollars?"},
    },
    "required": ["agreement_type", "provider", "client", "effective_date"],
}

SUMMARIZE = "Summarize the document in one to three sentences."

# How often a complete contract leaves a fact out, so that its answer is null.
ABSENT = {"liability_cap": 0.2, "contract_number": 0.06, "auto_renewal": 0.06,
          "notice_days": 0.06, "payment_days": 0.04}


def hint(field):
    if "enum" in field:
        return "one of: " + ", ".join(field["enum"])
    if field.get("format") == "date":
        return "a date as YYYY-MM-DD"
    return {"string": "a short text", "integer": "a whole number", "number": "a number",
            "boolean": "true or false"}[field["type"]]


def question(name):
    """The text that follows the document when one field is asked for."""
    field = SCHEMA["properties"][name]
    return (f"\n\nQuestion: {field['description']}\n"
            f"Reply with {hint(field)} only, or null if not stated.")


def probe(name):
    """What stands behind each chunk of a long document while it is read for one field."""
    return f"\n\nQuestion: {SCHEMA['properties'][name]['description']}"


SUMMARY_QUESTION = "\n\n" + SUMMARIZE


@dataclass
class Contract:
    text: str
    facts: dict         # field -> JSON value, or None where the document does not state it
    amount_text: str    # the total fee as the document writes it
    evidence: dict = field(default_factory=dict)  # field -> [(start, end)]: where the text states it

    def answer(self, name):
        """The reply expected for one field, as text."""
        value = self.facts.get(name)
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return f"{value:.2f}"
        return str(value)

    def summary(self):
        """The reference summary: fixed wording per type, made of this document's own facts."""
        f = self.facts
        term = f"{f['term_months']} months"
        pay = f", payable within {f['payment_days']} days" if f.get("payment_days") else ""
        a, b, day, law = f["provider"], f["client"], f["effective_date"], f["governing_law"]
        fee = self.amount_text
        return {
            "services agreement":
                f"{a} provides services to {b} for {term} from {day}. "
                f"The total fee is {fee}{pay}. Governing law: {law}.",
            "lease agreement":
                f"{a} leases premises to {b} for {term} from {day}. "
                f"The total rent is {fee}{pay}. Governing law: {law}.",
            "license agreement":
                f"{a} grants a license to {b} for {term} from {day}. "
                f"The license fee is {fee}{pay}. Governing law: {law}.",
            "supply agreement":
                f"{a} supplies goods to {b} for {term} from {day}. "
                f"The total price is {fee}{pay}. Governing law: {law}.",
            "consulting agreement":
                f"{a} advises {b} for {term} from {day}. "
                f"The total fee is {fee}{pay}. Governing law: {law}.",
        }[f["agreement_type"]]


# ---------------------------------------------------------------------------------------------
# Filling templates


CHOICE = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")
UNTIDY_SPACE = re.compile(r" (?=[ .,;:])")  # left behind by an empty alternative


def number_words(n):
    if n in NUMBER_WORDS:
        return NUMBER_WORDS[n]
    if n > 100:
        return f"one hundred {number_words(n - 100)}"
    return f"{NUMBER_WORDS[n // 10 * 10]}-{NUMBER_WORDS[n % 10]}"


class Filler:
    """Fills templates from one random source; knows this contract's parties and habits."""

    def __init__(self, rng, facts):
        self.rng = rng
        self.facts = facts
        kind = facts["agreement_type"] if facts else rng.choice(TYPES)
        self.provider_label, self.client_label = rng.choice(LABELS[kind])
        self.date_style = rng.randrange(4)
        self.count_style = rng.random()
        self.money_style = rng.randrange(3)

    def fill(self, template):
        text = CHOICE.sub(lambda m: self.rng.choice(m[1].split("|")), template)
        text = SLOT.sub(lambda m: getattr(self, "slot_" + m[1])(), text)
        text = text.replace("..", ".")
        text = UNTIDY_SPACE.sub("", text)
        return text[:1].upper() + text[1:]

    def pick(self, templates):
        return self.fill(self.rng.choice(templates))

    # -- values as this contract writes them

    def count(self, n, unit):
        unit = unit if n != 1 else unit[:-1]
        r = self.rng.random() * 0.4 + self.count_style * 0.6
        if r < 0.65:
            return f"{number_words(n)} ({n}) {unit}"
        return f"{n} {unit}"

    def date(self, iso):
        y, m, d = (int(part) for part in iso.split("-"))
        month = MONTHS[m - 1]
        style = self.date_style if self.rng.random() < 0.7 else self.rng.randrange(4)
        if style == 0:
            suffix = "th" if 4 <= d <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(d % 10, "th")
            return f"the {d}{suffix} day of {month}, {y}"
        return (f"{month} {d}, {y}", f"{d} {month} {y}", iso)[style - 1]

    def money(self, amount):
        digits = f"{amount:,.2f}" if isinstance(amount, float) else f"{amount:,}"
        return ("${}", "US${}", "USD {}")[self.money_style].format(digits)

    # -- this contract's own facts

    def slot_type(self):
        return self.facts["agreement_type"]

    def slot_Type(self):
        return self.facts["agreement_type"].title()

    def slot_provider(self):
        return self.facts["provider"]

    def slot_client(self):
        return self.facts["client"]

    def slot_effective(self):
        return self.date(self.facts["effective_date"])

    def slot_number(self):
        return self.facts["contract_number"]

    def slot_law(self):
        law = self.facts["governing_law"]
        return "the " + law if law.startswith(("State", "Commonwealth", "Province")) else law

    def slot_fee(self):
        return self.money(self.facts["total_fee"])

    def slot_cap(self):
        return self.money(self.facts["liability_cap"])

    def slot_term(self):
        n = self.facts["term_months"]
        if n % 12 == 0 and self.rng.random() < 0.2:
            return self.count(n // 12, "years")
        return self.count(n, "months")

    def slot_payment(self):
        return self.count(self.facts["payment_days"], "days")

    def slot_notice(self):
        return self.count(self.facts["notice_days"], "days") + "'"

    def slot_noticedays(self):
        return self.count(self.facts["notice_days"], "days")

    def slot_P(self):
        return "the " + self.provider_label

    def slot_C(self):
        return "the " + self.client_label

    def slot_PL(self):
        return self.provider_label

    def slot_CL(self):
        return self.client_label

    def slot_other(self):
        return self.rng.choice(["the " + self.provider_label, "the " + self.client_label,
                                "either party", "each party"])

    # -- distractors

    def slot_days(self):
        return self.count(self.rng.choice([2, 3, 5, 7, 10, 12, 14, 15, 20, 21, 28, 30, 40, 45,
                                           60, 75, 90, 120]), self.rng.choice(
            ["days", "days", "business days", "calendar days", "working days"]))

    def slot_months(self):
        return self.count(self.rng.choice([2, 3, 4, 6, 9, 12, 18, 24]), "months")

    def slot_years(self):
        return self.count(self.rng.randint(2, 7), "years")

    def slot_hours(self):
        return self.count(self.rng.choice([12, 24, 36, 48, 72]), "hours")

    def slot_pct(self):
        return f"{self.rng.choice(['1', '1.5', '2', '3', '5', '7.5', '10', '15', '20', '25'])}%"

    def slot_amount(self):
        return self.money(random_amount(self.rng))

    def slot_date(self):
        return self.date(random_date(self.rng, 2008, 2027))

    def slot_company(self):
        return random_company(self.rng)

    def slot_person(self):
        return self.rng.choice(FIRST_NAMES) + " " + self.rng.choice(LAST_NAMES)

    def slot_state(self):
        law = self.rng.choice(LAWS)
        return law.split(" of ")[-1]

    def slot_city(self):
        return self.rng.choice(CITIES)

    def slot_address(self):
        r = self.rng
        street = f"{r.randint(1, 9999)} {r.choice(STREETS)} {r.choice(['Street', 'Avenue', 'Road', 'Lane'])}"
        suite = f", Suite {r.randint(1, 900)}" if r.random() < 0.5 else ""
        return f"{street}{suite}, {r.choice(CITIES)}"

    def slot_ref(self):
        return random_reference(self.rng)

    # -- distractors of long documents

    def slot_small(self):
        return str(self.rng.randint(1, 9))

    def slot_count(self):
        return str(self.rng.choice([2, 3, 4, 5, 6, 8, 10, 12, 16, 18, 24, 25, 30, 40, 48, 64, 80, 120]))

    def slot_role(self):
        return self.rng.choice(ROLES)

    def slot_activity(self):
        return self.rng.choice(ACTIVITIES)

    def slot_quality(self):
        return self.rng.choice(QUALITIES)

    def slot_items(self):
        return self.rng.choice(ITEMS)

    def slot_Items(self):
        quality = self.rng.choice(QUALITIES).capitalize()
        return f"{quality} {self.rng.choice(ITEMS)}"

    def slot_frequency(self):
        return SLOT.sub(lambda m: getattr(self, "slot_" + m[1])(), self.rng.choice(FREQUENCIES))

    def rows(self, template):
        """A list of a few lines, with numbers, letters or dashes before them."""
        mark = self.rng.choice(["{}. ", "({}) ", "- ", "* ", ""])
        return "\n".join(mark.format(i + 1) + SLOT.sub(lambda m: getattr(self, "slot_" + m[1])(), template)
                         for i in range(self.rng.randint(3, 8)))

    def slot_milestones(self):
        return self.rows(self.rng.choice(["{activity} of {items} - {date}", "{date}: {activity} of {count} {items}",
                                          "{items}, {activity}, {person}, {date}"]))

    def slot_prices(self):
        return self.rows(self.rng.choice(["{items}: {amount} each", "{activity} of {items} - {amount}",
                                          "{ref} {items} {amount}"]))

    def slot_contacts(self):
        return self.rows(self.rng.choice(["{role}: {person}", "{person}, {role}, {city}", "{person} ({role}, {company})"]))

    def slot_sites(self):
        return self.rows(self.rng.choice(["{address}", "{address}: {items}", "{city} - {count} {items}"]))

    def slot_risks(self):
        return self.rows(self.rng.choice(["late {activity} of {items}: {amount}", "{ref} - {quality} {items} in {city}",
                                          "{quality} {items} ({person})"]))

    def slot_inventory(self):
        return self.rows(self.rng.choice(["{count} {items}", "{items}, {count}, {city}", "{ref}: {count} {quality} {items}"]))


def random_company(rng):
    if rng.random() < 0.2:
        first = "".join(rng.choice(SYLLABLES) for _ in range(rng.choice((2, 2, 3)))).title()
    else:
        first = rng.choice(FIRST_WORDS)
    middle = rng.choice(SECOND_WORDS)
    if rng.random() < 0.12:
        middle = rng.choice(FIRST_WORDS) + " " + middle
    return f"{first} {middle} {rng.choice(SUFFIXES)}"


def random_date(rng, first_year=2015, last_year=2027):
    return f"{rng.randint(first_year, last_year)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def random_amount(rng):
    r = rng.random()
    if r < 0.45:
        amount = rng.randint(2, 999) * 1000
    elif r < 0.6:
        amount = rng.randint(100, 4000) * 5000 // 10 * 10
    elif r < 0.85:
        amount = rng.randint(1000, 999999)
    else:
        return rng.randint(100000, 99999999) / 100 + 0.0
    return amount


def random_reference(rng):
    prefix = "".join(rng.choice("ABCDEFGHKLMNPRSTUVWX") for _ in range(rng.choice((2, 2, 3))))
    digits = rng.randint(100, 99999)
    if rng.random() < 0.5:
        return f"{prefix}-{rng.randint(2012, 2027)}-{digits}"
    return f"{prefix}-{digits}"


def random_facts(rng, absent=ABSENT):
    provider = random_company(rng)
    client = random_company(rng)
    while client.split()[0] == provider.split()[0]:
        client = random_company(rng)
    facts = {
        "agreement_type": rng.choice(TYPES),
        "provider": provider,
        "client": client,
        "effective_date": random_date(rng),
        "term_months": rng.choice([3, 4, 6, 8, 9, 10, 12, 15, 18, 20, 24, 24, 30, 36, 36, 42, 48,
                                   54, 60, 72, 84, 96, 120]),
        "total_fee": random_amount(rng),
        "payment_days": rng.choice([5, 7, 10, 14, 15, 20, 21, 25, 28, 30, 35, 40, 45, 50, 60, 75, 90]),
        "notice_days": rng.choice([5, 7, 10, 14, 15, 20, 21, 25, 28, 30, 45, 60, 75, 90, 100, 120, 180]),
        "governing_law": rng.choice(LAWS),
        "auto_renewal": rng.random() < 0.5,
        "contract_number": random_reference(rng),
        "liability_cap": random_amount(rng),
    }
    while facts["liability_cap"] == facts["total_fee"]:
        facts["liability_cap"] = random_amount(rng)
    for name, probability in absent.items():
        if rng.random() < probability:
            facts[name] = None
    return facts


# ---------------------------------------------------------------------------------------------
# Whole contracts


HEADINGS = {
    "effective_date": ["Effective Date", "Commencement", "Start Date"],
    "term_months": ["Term", "Initial Term", "Duration"],
    "total_fee": ["Fees", "Price", "Consideration", "Compensation"],
    "payment_days": ["Payment", "Invoices", "Payment Terms", "Invoicing and Payment"],
    "notice_days": ["Termination", "Termination for Convenience", "Early Termination"],
    "governing_law": ["Governing Law", "Applicable Law", "Choice of Law"],
    "auto_renewal": ["Renewal", "Extension", "Renewal of Term"],
    "contract_number": ["Reference", "Contract Identification", "Records"],
    "liability_cap": ["Limitation of Liability", "Liability", "Cap on Liability"],
}


def fact_sentences(fill, name):
    if name == "auto_renewal":
        return fill.pick(FACTS["auto_renewal_" + str(fill.facts[name]).lower()])
    return fill.pick(FACTS[name])


STYLES = ["{n}. {h}. {t}", "{n}. {h}\n{t}", "{n}. {u}\n{t}", "Section {n}. {h}. {t}",
          "Article {n} - {h}\n{t}", "{n}) {h}: {t}", "{h}. {t}"]
LONG = 1800     # tokens from which a contract has schedules and annexes


def numbered(clauses, style):
    def joined(sentences):      # a list of lines ends with a line break
        return "".join(s + ("\n" if "\n" in s else " ") for s in sentences).strip()
    return [style.format(n=i + 1, h=c[0], u=c[0].upper(), t=joined(c[1:]))
            for i, c in enumerate(clauses)]


def in_parts(fill, clauses, count):
    """The clauses of a long contract: a main body, then schedules, each numbered by itself."""
    rng, body, number, at = fill.rng, [], 0, 0
    style, title = rng.choice(STYLES), rng.choice(PARTS)
    size = rng.randint(600, 2500)
    while at < len(clauses):
        start, used = at, 0
        while at < len(clauses) and used < size:
            used += count(" ".join(clauses[at]))
            at += 1
        if number:
            name = rng.choice(PART_NAMES)
            body.append(title.format(n=number, h=name, u=name.upper()))
            body.append(" ".join(fill.pick(PART_INTROS) for _ in range(rng.choice((1, 1, 2)))))
        body += numbered(clauses[start:at], style if rng.random() < 0.6 else rng.choice(STYLES))
        number += 1
        size = rng.randint(250, 1800)
    return body


def approximate_tokens(text):
    return int(len(text) / 4.6)


def generate(rng, target_tokens=600, count=approximate_tokens, absent=ABSENT):
    """One contract of about ``target_tokens`` tokens as measured by ``count``."""
    facts = random_facts(rng, absent)
    fill = Filler(rng, facts)
    compact = target_tokens < 330  # bare facts leave little room: drop headings and extras

    title = fill.pick(TITLES[facts["agreement_type"]])
    opening_kind = rng.random()
    dated = opening_kind < 0.5
    opening = fill.pick(OPENINGS["dated" if dated else "undated"])
    clauses = []  # lists of [heading, sentence, ...]
    stated = {"agreement_type": title, "provider": opening, "client": opening}
    if dated:
        stated["effective_date"] = opening
    for name in HEADINGS:
        if facts[name] is None or (name == "effective_date" and dated):
            continue
        heading = fill.rng.choice(HEADINGS[name])
        stated[name] = fact_sentences(fill, name)
        clauses.append([heading, stated[name]])

    head = [title]
    if facts["contract_number"] and rng.random() < 0.45:
        clauses = [c for c in clauses if c[0] not in HEADINGS["contract_number"]]
        head.append(fill.pick(FACTS["contract_number_line"]))
        stated["contract_number"] = head[-1]
    head.append(opening)
    if not compact and rng.random() < 0.8:
        head.append(fill.pick(RECITALS))
    tail = [] if compact or rng.random() < 0.3 else [fill.pick(SIGNATURES)]

    # Filler: sentences of one topic make a clause, or pad out a fact's clause.
    used = count("\n\n".join(head + tail)) + sum(count(c[0] + ". " + c[1]) + 4 for c in clauses)
    room = target_tokens - used
    long = target_tokens > LONG
    filler = {**FILLER, **DETAILS} if long else FILLER
    topics = list(filler) + (list(DETAILS) if long else [])
    rng.shuffle(topics)
    turn = 0
    while room > 12:
        topic = topics[turn % len(topics)]
        turn += 1
        sentences = rng.sample(filler[topic], min(len(filler[topic]), rng.randint(1, 4)))
        chosen = []
        for template in sentences:
            sentence = fill.fill(template)
            cost = count(sentence) + 1
            if cost <= room + 8:
                chosen.append(sentence)
                room -= cost
        if not chosen:
            if turn > 4 * len(topics):
                break
            continue
        if clauses and rng.random() < 0.35:
            clause = rng.choice(clauses)
            at = rng.randint(1, len(clause))
            clause[at:at] = chosen
        else:
            clauses.append([topic] + chosen)
            room -= 5

    rng.shuffle(clauses)
    if long:
        body = in_parts(fill, clauses, count)
    else:
        body = numbered(clauses, rng.choice(STYLES))
    text = "\n\n".join(head + body + tail).strip()
    evidence = {name: [(at, at + len(part))] for name, part in stated.items()
                for at in [text.index(part)]}
    kind = text.find(facts["agreement_type"], len(title))
    if 0 <= kind < text.index(opening) + len(opening):
        evidence["agreement_type"].append((kind, kind + len(facts["agreement_type"])))
    return Contract(text, facts, fill.money(facts["total_fee"]), evidence)


def snippet(rng, facts_wanted=4, filler_sentences=2):
    """A few facts and a little filler: the curriculum's first documents."""
    facts = random_facts(rng, {})
    fill = Filler(rng, facts)
    names = rng.sample(list(HEADINGS) + ["opening", "opening"], facts_wanted)
    keep, parts = set(), []
    dated = rng.random() < 0.5
    if "opening" in names:
        keep |= {"agreement_type", "provider", "client"} | ({"effective_date"} if dated else set())
        if rng.random() < 0.5:
            parts.append(fill.pick(TITLES[facts["agreement_type"]]))
        parts.append(fill.pick(OPENINGS["dated" if dated else "undated"]))
    body = []
    for name in names:
        if name == "opening" or name in keep:
            continue
        keep.add(name)
        if name == "contract_number" and rng.random() < 0.5:
            body.append(fill.pick(FACTS["contract_number_line"]))
        else:
            sentence = fact_sentences(fill, name)
            if rng.random() < 0.5:
                sentence = fill.rng.choice(HEADINGS[name]) + ". " + sentence
            body.append(sentence)
    for _ in range(filler_sentences):
        body.append(fill.pick(FILLER[rng.choice(list(FILLER))]))
    rng.shuffle(body)
    parts += body
    facts = {name: (value if name in keep else None) for name, value in facts.items()}
    return Contract(rng.choice(["\n\n", " ", "\n"]).join(parts), facts, fill.money(0))


def key_values(rng, pairs=6, rare=0.0):
    """Lines of ``key: value`` with random wording: teaches look-up and copying, nothing else.

    ``rare`` is the share of values that fall into rare tokens: references and invented names.
    Returns (text, [(question, answer), ...]) with questions in the job's own form.
    """
    fill = Filler(rng, None)
    words = FIRST_WORDS + SECOND_WORDS + CITIES + LAST_NAMES + STREETS
    makers = [lambda: random_company(rng), lambda: random_reference(rng),
              lambda: f"{rng.randint(0, 999)}", lambda: f"{random_amount(rng):,}",
              lambda: " ".join(rng.choice(words) for _ in range(rng.randint(1, 3))),
              lambda: rng.choice(LAWS), lambda: random_date(rng), fill.slot_person,
              lambda: "".join(rng.choice(SYLLABLES) for _ in range(3)).title()]
    keys, lines, asks = set(), [], []
    while len(keys) < pairs:
        keys.add(" ".join(rng.choice(words).lower() for _ in range(rng.choice((1, 2, 2)))))
    join = rng.choice([": ", " is ", " = ", ", the "])
    for key in sorted(keys):
        value = (rng.choice((makers[0], makers[1], makers[1], makers[-1]))() if rng.random() < rare
                 else rng.choice(makers)())
        lines.append(f"The {key}{join}{value}")
        asks.append((f"\n\nQuestion: What is the {key}?\nReply with a short text only, "
                     "or null if not stated.", value.replace(",", "") if value[:1].isdigit() else value))
    rng.shuffle(lines)
    rng.shuffle(asks)
    return rng.choice([".\n", ". ", "; ", "\n"]).join(lines), asks


def main():
    ap = argparse.ArgumentParser(description="Prints contracts: as text, or as JSON lines with --documents.")
    ap.add_argument("--tokens", type=int, default=600, help="length of each")
    ap.add_argument("--seed", default="0")
    ap.add_argument("--documents", type=int, help="JSON lines: id, text, facts, summary")
    ap.add_argument("--tokenizer", default=os.path.join(os.path.dirname(__file__), "../model/tokenizer.json"))
    args = ap.parse_args()
    tokenizer = Tokenizer.load(args.tokenizer)
    for i in range(args.documents or 1):
        c = generate(random.Random(f"{args.seed}-{i}"), args.tokens, lambda text: len(tokenizer.plain(text)))
        if args.documents:
            print(json.dumps({"id": f"{args.seed}-{args.tokens}-{i:03}", "text": c.text, "facts": c.facts,
                              "summary": c.summary()}))
        else:
            print(c.text, json.dumps(c.facts, indent=1), c.summary(), sep="\n")


if __name__ == "__main__":
    main()
