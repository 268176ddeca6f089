"""A byte-level BPE tokenizer in Hugging Face's format: training, encoding and decoding.

The pre-tokenizer keeps words (with their leading space) together, splits digit runs into
groups of at most three aligned from the right, so that ``1,250,000`` and ``1250000`` share the
tokens 1, 250 and 000, and makes every punctuation character a token of its own. Newlines never
join the text before them, so a document's tokens do not depend on the question that follows.

The encoder here is plain Python with a cache per word. It gives the same ids as the Hugging
Face library does from the ``tokenizer.json`` that ``Tokenizer.save`` writes.

    python3 tokenizer.py OUT.json [vocabulary size]
"""

import collections
import json
import random
import sys

import regex

SPECIALS = ["<|pad|>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
RARE = 25
PATTERN = (r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))"  # 1-3 digits with a multiple of 3 after them
           r"|\n+"
           r"| ?\p{L}+"
           r"| ?[^\p{L}\p{N}\s]"
           r"|\s")
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + "
    "message['content'] + '<|end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}")


def byte_alphabet():
    """GPT-2's printable stand-in for each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, extra = {}, 256
    for b in range(256):
        if b in plain:
            table[b] = chr(b)
        else:
            table[b] = chr(extra)
            extra += 1
    return table


BYTE_TO_CHAR = byte_alphabet()
CHAR_TO_BYTE = {c: b for b, c in BYTE_TO_CHAR.items()}


class Tokenizer:
    def __init__(self, vocab, merges):
        self.vocab = vocab
        self.ranks = {tuple(m): i for i, m in enumerate(merges)}
        self.merges = merges
        self.pattern = regex.compile(PATTERN)
        self.special = regex.compile("(" + "|".join(regex.escape(s) for s in SPECIALS) + ")")
        self.tokens = {i: t for t, i in vocab.items()}
        self.cache = {}
        self.pad, self.begin, self.end, self.system, self.user, self.assistant = (
            vocab[s] for s in SPECIALS)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as f:
            model = json.load(f)["model"]
        return cls(model["vocab"], [tuple(m.split(" ")) if isinstance(m, str) else tuple(m)
                                    for m in model["merges"]])

    def twins(self):
        """Pairs of ids: a word without and with a space before it."""
        space = BYTE_TO_CHAR[32]
        return [(i, self.vocab[space + t]) for t, i in self.vocab.items()
                if t[0].isalpha() and t[0] != space and space + t in self.vocab]

    def word(self, piece):
        parts = [BYTE_TO_CHAR[b] for b in piece.encode("utf-8")]
        while len(parts) > 1:
            rank, i = min((self.ranks.get(pair, 1 << 30), i)
                          for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == 1 << 30:
                break
            parts[i:i + 2] = [parts[i] + parts[i + 1]]
        return [self.vocab[p] for p in parts]

    def plain(self, text):
        """Ids of text in which special tokens have no meaning."""
        ids, cache = [], self.cache
        for piece in self.pattern.findall(text):
            known = cache.get(piece)
            if known is None:
                known = cache[piece] = self.word(piece)
            ids += known
        return ids

    def encode(self, text):
        ids = []
        for part in self.special.split(text):
            if part in SPECIALS:
                ids.append(self.vocab[part])
            else:
                ids += self.plain(part)
        return ids

    def decode(self, ids):
        text = "".join("" if self.tokens[i] in SPECIALS else self.tokens[i] for i in ids)
        return bytes(CHAR_TO_BYTE[c] for c in text).decode("utf-8", "replace")

    def save(self, path):
        added = [{"id": self.vocab[s], "content": s, "single_word": False, "lstrip": False,
                  "rstrip": False, "normalized": False, "special": True} for s in SPECIALS]
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                      "use_regex": False}
        content = {
            "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
            "normalizer": None,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated",
                 "invert": False}, byte_level]},
            "post_processor": None,
            "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None,
                      "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "vocab": self.vocab,
                      "merges": [" ".join(m) for m in self.merges]}}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(content, f, ensure_ascii=False, indent=0)
            f.write("\n")


def train(texts, size):
    """Byte-pair merges learned from texts, after all digit strings of up to three digits."""
    digits = "0123456789"
    pairs = [a + b for a in digits for b in digits]
    merges = [(p[0], p[1]) for p in pairs]
    tokens = SPECIALS + list(BYTE_TO_CHAR.values()) + pairs
    for a in digits:
        for p in pairs:  # "1"+"23" and "12"+"3" both make "123", so the order never matters
            merges.append((a, p))
            merges.append(((a + p)[:2], p[1]))
            tokens.append(a + p)
    pattern = regex.compile(PATTERN)
    words = collections.Counter(p for t in texts for p in pattern.findall(t) if not p[0].isdigit())
    # The square root lets rare words (names, above all) become whole tokens too; words seen a
    # few times only, such as invented names, are left to smaller pieces.
    words = [([BYTE_TO_CHAR[b] for b in w.encode("utf-8")], round(100 * n ** 0.5))
             for w, n in sorted(words.items()) if n >= RARE]
    counts, where = collections.Counter(), collections.defaultdict(set)
    for i, (parts, n) in enumerate(words):
        for pair in zip(parts, parts[1:]):
            counts[pair] += n
            where[pair].add(i)
    known = set(tokens)
    while len(tokens) < size and counts:
        best = max(counts, key=lambda p: (counts[p], p))
        if counts[best] <= 0:
            break
        merges.append(best)
        if best[0] + best[1] not in known:
            tokens.append(best[0] + best[1])
            known.add(best[0] + best[1])
        for i in sorted(where[best]):
            parts, n = words[i]
            for pair in zip(parts, parts[1:]):
                counts[pair] -= n
            at = 0
            while at < len(parts) - 1:
                if (parts[at], parts[at + 1]) == best:
                    parts[at:at + 2] = [parts[at] + parts[at + 1]]
                at += 1
            for pair in zip(parts, parts[1:]):
                counts[pair] += n
                where[pair].add(i)
        del counts[best]
    return Tokenizer({t: i for i, t in enumerate(tokens)}, merges)


def corpus(documents=4000, seed=11):
    """Text with the proportions that the model will see: documents, questions, answers."""
    import contracts
    rng = random.Random(seed)
    for _ in range(60):  # answers begin with a name that has no space before it
        for word in contracts.FIRST_WORDS + [s.title() for s in contracts.SYLLABLES]:
            yield word
            yield " " + word
    for _ in range(documents):
        c = contracts.generate(rng, 500)
        yield c.text
        for name in contracts.SCHEMA["properties"]:
            yield contracts.question(name)
            yield c.answer(name)
        yield contracts.SUMMARY_QUESTION
        yield c.summary()
        text, asks = contracts.key_values(rng, 2)
        yield text
        for q, a in asks:
            yield q
            yield a


if __name__ == "__main__":
    tokenizer = train(corpus(), int(sys.argv[2]) if len(sys.argv) > 2 else 5376)
    tokenizer.save(sys.argv[1])
    sample = next(corpus(1, 99))
    ids = tokenizer.encode(sample)
    assert tokenizer.decode(ids) == sample
    print(len(tokenizer.vocab), "tokens;", len(sample) / len(ids), "characters per token")
