"""Documents, questions and answers as tokens, and batches of them.

``Encoder`` has the exact token layout of the jobs' prompts. A batch is either a set of rows
``[document | blocks]`` of any lengths (``make_batch``, ``collate``), or, where a bounded cache
reads them chunk by chunk, documents of exactly one length (``long_batch``) whose blocks are
asked after the reading (``ask``).
"""

import bisect
import collections

import torch

import contracts
from cache import Watch
from tokenizer import SPECIALS

FIELDS = list(contracts.SCHEMA["properties"])


# ---------------------------------------------------------------------------------------------
# Documents and batches


class Encoder:
    """Turns text into the exact token layout of the job's prompts."""

    def __init__(self, tokenizer):
        self.t = tokenizer
        newline = tokenizer.plain("\n")
        self.reply = [tokenizer.end] + newline + [tokenizer.assistant] + newline

    def count(self, text):
        return len(self.t.plain(text))

    def document(self, text):
        return [self.t.begin, self.t.user] + self.t.plain("\n" + text)

    def places(self, text, evidence):
        """field -> the set of places, in ``document(text)``, of tokens of its evidence."""
        ends, at, place, spans = [], -1, 2, [(s, e, n) for n, parts in evidence.items() for s, e in parts]
        for piece in self.t.pattern.findall("\n" + text):
            ends.append((at, at + len(piece), place, place + len(self.t.plain(piece))))
            at, place = ends[-1][1], ends[-1][3]
        found = {name: set() for name in evidence}
        starts = [e[0] for e in ends]
        for start, end, name in spans:
            i = bisect.bisect_right(starts, start) - 1
            while i < len(ends) and ends[i][0] < end:
                found[name].update(range(ends[i][2], ends[i][3]))
                i += 1
        return found

    def probe(self, names):
        """(ids, rows of each asker): what is appended to every chunk when ``names`` are asked,
        or the summary if there are none."""
        if not names:
            ids = self.t.plain(contracts.SUMMARY_QUESTION)
            return ids, [(0, len(ids))]
        ids, rows = [], []
        for name in names:
            part = self.t.plain(contracts.probe(name))
            rows.append((len(ids), len(ids) + len(part)))
            ids += part
        return ids, rows

    def block(self, name, question, answer):
        """(name, ids of question and answer, how many of them are the answer and its end)"""
        answer = self.t.plain(answer) + [self.t.end]
        return name, self.t.plain(question) + self.reply + answer, len(answer)

    def contract(self, c, names, summary):
        blocks = [self.block(n, contracts.question(n), c.answer(n)) for n in names]
        if summary:
            blocks.append(self.block("summary", contracts.SUMMARY_QUESTION, c.summary()))
        return self.document(c.text), blocks


def echo(rng, encoder, low, high):
    """Random tokens, and blocks that quote two of them and must go on from there."""
    ids = [rng.randrange(len(SPECIALS), len(encoder.t.vocab)) for _ in range(rng.randint(low, high))]
    blocks = []
    for _ in range(5):
        start = rng.randrange(len(ids) - 12)
        part = ids[start:start + rng.randint(8, 24)]
        blocks.append(("echo", part, len(part) - 2))
    return [encoder.t.begin, encoder.t.user] + ids, blocks


def key_values(rng, encoder, low, high, rare=0.0):
    text, asks = contracts.key_values(rng, rng.randint(low, high), rare)
    return encoder.document(text), [encoder.block("key", q, a) for q, a in asks]


def snippets(rng, encoder, facts, filler):
    c = contracts.snippet(rng, rng.randint(*facts), rng.randint(*filler))
    stated = [n for n in FIELDS if c.facts[n] is not None]
    missing = [n for n in FIELDS if c.facts[n] is None]
    names = stated + rng.sample(missing, min(len(missing), 1 + len(stated) // 4))
    return encoder.contract(c, names, False)


def whole(rng, encoder, target):
    # Some training documents leave out more facts than real ones do: practice in saying null.
    absent = contracts.ABSENT if rng.random() < 0.7 else {n: 0.25 for n in contracts.ABSENT}
    c = contracts.generate(rng, target, encoder.count, absent)
    return encoder.contract(c, FIELDS, True)


# Each level: (kind, arguments); lengths are in tokens.
LEVELS = [
    [("echo", (30, 60))],
    [("keys", (2, 5)), ("snippets", ((2, 3), (0, 1))), ("snippets", ((2, 3), (0, 1)))],
    [("keys", (4, 9)), ("snippets", ((2, 5), (0, 3))), ("snippets", ((2, 5), (0, 3)))],
    [("snippets", ((3, 8), (2, 8)))],
    [("whole", (230, 330))],
    [("whole", (300, 600))],
    [("whole", (500, 1000))],
    [("whole", (900, 1600))],
    [("keys", (6, 20)), ("snippets", ((3, 8), (2, 8))), ("whole", (230, 330)), ("whole", (300, 800)),
     ("whole", (300, 800)), ("whole", (300, 1560)), ("whole", (300, 1560))],
    # From here on the cache of 1,024 entries is in the loop.
    [("whole", (300, 1560)), ("freqkv", (1100, 2500))] + 4 * [("hybrid", (980, 2200))]
    + 2 * [("hybrid", (1500, 3500))],
    [("whole", (300, 900)), ("whole", (300, 1560)), ("freqkv", (1100, 3000))]
    + 3 * [("hybrid", (980, 2200))] + 4 * [("hybrid", (1500, 4500))] + [("hybrid", (4500, 9000))],
    3 * [("whole", (300, 900)), ("whole", (300, 1560))] + [("freqkv", (1100, 3000))]
    + 4 * [("hybrid", (980, 2200))] + 8 * [("hybrid", (1500, 5000))] + 3 * [("hybrid", (5000, 10000))]
    + [("hybrid", (10000, 33000))] + 3 * [("keys", (6, 16, 0.8))],
]


def make_batch(rng, encoder, kind, args, target, budget):
    """Rows of one kind and similar length that hold about ``budget`` tokens together."""
    rows, used = [], 0
    while used < budget:
        if kind == "echo":
            row = echo(rng, encoder, *args)
        elif kind == "keys":
            row = key_values(rng, encoder, *args)
        elif kind == "snippets":
            row = snippets(rng, encoder, *args)
        else:
            row = whole(rng, encoder, target)
        rng.shuffle(row[1])
        rows.append(row)
        used += len(row[0]) + sum(len(b[1]) for b in row[1])
    return rows


def collate_blocks(rows, pad):
    """Pads each row's blocks to one tensor: ids [B, T], places within the block [B, T], what a
    place may see [B, T, T]; answer places as (row, place), their tokens, (name, start, end)."""
    tail = max(sum(len(b[1]) for b in blocks) for blocks in rows)
    tokens = torch.full((len(rows), tail), pad)
    offsets = torch.zeros((len(rows), tail), dtype=torch.long)
    owner = torch.full((len(rows), tail), -1)
    where, targets, spans = [], [], []
    for r, blocks in enumerate(rows):
        at = 0
        for number, (name, block, answer) in enumerate(blocks):
            end = at + len(block)
            tokens[r, at:end] = torch.tensor(block)
            offsets[r, at:end] = torch.arange(len(block))
            owner[r, at:end] = number
            spans.append((name, len(targets), len(targets) + answer))
            where += [(r, i) for i in range(end - answer - 1, end - 1)]
            targets += block[-answer:]
            at = end
    visible = (owner[:, :, None] == owner[:, None, :]) & torch.ones(tail, tail).tril().bool()
    return tokens, offsets, visible, where, targets, spans


def collate(rows, pad, device):
    """Pads rows to ``[document | blocks]`` tensors; see model.py for the layout."""
    doc = max(len(d) for d, _ in rows)
    tail, offsets, visible, where, targets, spans = collate_blocks([blocks for _, blocks in rows], pad)
    tokens = torch.cat((torch.full((len(rows), doc), pad), tail), 1)
    positions = torch.cat((torch.zeros((len(rows), doc), dtype=torch.long), offsets), 1)
    doc_mask = torch.zeros((len(rows), doc))
    for r, (ids, _) in enumerate(rows):
        tokens[r, :len(ids)] = torch.tensor(ids)
        positions[r, :len(ids)] = torch.arange(len(ids))
        positions[r, doc:] += len(ids)
        doc_mask[r, len(ids):] = -1e30
    where = [r * tokens.shape[1] + doc + i for r, i in where]
    block_mask = torch.zeros(visible.shape).masked_fill_(~visible, -1e30)
    layout = dict(doc=doc, min_doc=min(len(d) for d, _ in rows),
                  doc_mask=doc_mask.to(device), block_mask=block_mask.to(device))
    return (tokens.to(device), positions.to(device), layout,
            torch.tensor(where, device=device), torch.tensor(targets, device=device), spans)


# ---------------------------------------------------------------------------------------------
# Documents that do not fit the cache

SUMMARY_FACTS = [n for n in FIELDS if n not in ("notice_days", "auto_renewal", "contract_number", "liability_cap")]


def fits(plan, document, block, limit=64):
    """Whether a document, a question and its answer's limit need no compression."""
    return document + block + limit <= plan.tokens


def shorten(rng, ids, places, length):
    """Drops tokens next to each other, outside of all evidence, until ``length`` are left."""
    surplus, taken = len(ids) - length, set().union(*places.values())
    if not surplus:
        return ids, places
    free = [i for i in range(3, length) if not any(j in taken for j in range(i, i + surplus))]
    at = rng.choice(free)
    return (ids[:at] + ids[at + surplus:],
            {n: {p if p < at else p - surplus for p in found} for n, found in places.items()})


def long_batch(rng, encoder, target, rows):
    """Documents of exactly one length: (ids, places of the evidence, blocks) for each."""
    made = []
    for _ in range(rows):
        absent = contracts.ABSENT if rng.random() < 0.5 else {n: 0.25 for n in contracts.ABSENT}
        c = contracts.generate(rng, target, encoder.count, absent)
        ids, blocks = encoder.contract(c, FIELDS, True)
        made.append((ids, blocks, encoder.places(c.text, c.evidence)))
    shortest = min(len(ids) for ids, _, _ in made)
    return [(*shorten(rng, ids, places, shortest), blocks) for ids, blocks, places in made]


def watch(rows, names, asked, p):
    """A Watch for a batch of (ids, places, blocks); ``asked`` are the probe rows of each asker."""
    askers = names or SUMMARY_FACTS
    which = torch.zeros(len(askers), p)
    gold = torch.zeros(len(rows), len(askers), len(rows[0][0]), dtype=torch.bool)
    for a, name in enumerate(askers):
        start, end = asked[a] if names else asked[0]
        which[a, start:end] = 1
        for r, (_, places, _) in enumerate(rows):
            gold[r, a, sorted(places.get(name, ()))] = True
    return Watch(which, gold)


def ask(reader, caches, rows, pad):
    """Yields (hidden states at answer places, their targets, spans), for the blocks that fit
    the room and for those that need a compression first."""
    room = caches[0].room
    longest = collections.Counter()
    for blocks in rows:
        for name, ids, _ in blocks:
            longest[name] = max(longest[name], len(ids))
    for crowded in (False, True):
        part = [[b for b in blocks if (longest[b[0]] > room) == crowded] for blocks in rows]
        if not part[0]:
            continue
        used = [c.copy() for c in caches] if crowded else caches
        if crowded:
            for c in used:
                c.make_room()
        tokens, offsets, visible, where, targets, spans = collate_blocks(part, pad)
        hidden = reader.answer(used, tokens, offsets, visible)
        r, i = torch.tensor(where).t()
        yield hidden[r, i], torch.tensor(targets), spans
