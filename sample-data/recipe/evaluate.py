"""Exact match per field of an exported model, on freshly generated contracts.

    python3 evaluate.py ../model --documents 200
    python3 evaluate.py ../model --documents 20 --cache hybrid --tokens 1500 4000 8000 16000 32000

A reply counts only if every one of its tokens, the end included, is the model's most probable
next token given the reference so far. That is so exactly when greedy decoding gives the
reference reply, so this needs one pass per document. ``--show N`` decodes N documents
token by token instead and prints the replies next to the references.
"""

import argparse
import collections
import random

import torch

import contracts
import export
from batches import FIELDS, Encoder, ask, collate, fits, watch
from cache import FREQKV, HYBRID, Reader
from model import Config

BUCKETS = [(300, 600), (600, 1000), (1000, 1500)]


@torch.no_grad()
def argmax(model, tokenizer, row):
    batch, positions, layout, where, targets, spans = collate([row], tokenizer.pad, "cpu")
    hidden = model.hidden(batch, positions, **layout)[0]
    return model.logits(hidden[where]).argmax(-1).tolist(), targets.tolist(), spans


@torch.no_grad()
def argmax_bounded(model, encoder, row, places, plan, recall):
    """As argmax, through a bounded cache: one reading for the fields, one for the summary."""
    got, wanted, spans = [], [], []
    document, blocks = row
    tokens = torch.tensor([document])
    reader = Reader(model, plan)
    for names, part in ((FIELDS, [b for b in blocks if b[0] != "summary"]),
                        ([], [b for b in blocks if b[0] == "summary"])):
        probe, asked = encoder.probe(names)
        if fits(plan, len(document), max(len(b[1]) - b[2] for b in part)):
            probe = []
        seen = watch([(document, places, blocks)], names, asked, len(probe)) if probe else None
        caches = reader.read(tokens, probe, seen)
        if seen and names:
            for layer, value in seen.recall.items():
                recall[layer].append(value)
        for hidden, targets, found in ask(reader, caches, [part], encoder.t.pad):
            spans += [(n, len(wanted) + a, len(wanted) + b) for n, a, b in found]
            got += model.logits(hidden).argmax(-1).tolist()
            wanted += targets.tolist()
    return got, wanted, spans


def decode(model, tokenizer, encoder, contract, limit=90):
    """Greedy replies to all questions, one token per question at a time."""
    document, blocks = encoder.contract(contract, FIELDS, True)
    prompts = {name: ids[:-answer] for name, ids, answer in blocks}
    replies = {name: [] for name in prompts}
    for _ in range(limit):
        open_ = [n for n in replies if not replies[n] or replies[n][-1] != tokenizer.end]
        if not open_:
            break
        # The last id of a block is only a target, so a placeholder goes there.
        row = document, [(n, prompts[n] + replies[n] + [tokenizer.end], 1) for n in open_]
        for name, token in zip(open_, argmax(model, tokenizer, row)[0]):
            replies[name].append(token)
    return {n: tokenizer.decode(ids) for n, ids in replies.items()}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("model")
    ap.add_argument("--documents", type=int, default=200)
    ap.add_argument("--seed", default="eval-1")
    ap.add_argument("--cache", choices=["full", "hybrid", "freqkv"], default="full")
    ap.add_argument("--tokens", type=int, nargs="*", help="lengths, instead of 300 to 1,500")
    ap.add_argument("--bf16", action="store_true", help="matrix products in bfloat16: quicker")
    ap.add_argument("--show", type=int, default=0)
    args = ap.parse_args()
    if args.bf16:
        Config.compute = torch.bfloat16
    model, tokenizer = export.load(args.model)
    encoder = Encoder(tokenizer)
    plan = {"full": None, "hybrid": HYBRID, "freqkv": FREQKV}[args.cache]
    buckets = [(n, n) for n in args.tokens] if args.tokens else BUCKETS

    hits, tries, missed = collections.Counter(), collections.Counter(), []
    recall = {b: collections.defaultdict(list) for b in buckets}
    for i in range(args.show or args.documents * len(buckets if args.tokens else [1])):
        rng = random.Random(f"{args.seed}-{i}")
        bucket = buckets[i % len(buckets)]
        contract = contracts.generate(rng, rng.randint(*bucket), encoder.count)
        if args.show:
            replies = decode(model, tokenizer, encoder, contract)
            for name, reply in replies.items():
                wanted = contract.summary() if name == "summary" else contract.answer(name)
                print("ok   " if reply == wanted else "WRONG", name, "|", reply, "|", wanted)
            print()
            continue
        row = encoder.contract(contract, FIELDS, True)
        if plan:
            places = encoder.places(contract.text, contract.evidence)
            got, targets, spans = argmax_bounded(model, encoder, row, places, plan, recall[bucket])
        else:
            got, targets, spans = argmax(model, tokenizer, row)
        for name, start, end in spans:
            right = got[start:end] == targets[start:end]
            for key in ((name, bucket), (name, "all")) + (
                    () if name == "summary" else (("all fields", bucket), ("all fields", "all"))):
                hits[key] += right
                tries[key] += 1
            if not right and name != "summary":
                missed.append((i, name, tokenizer.decode(got[start:end]),
                               tokenizer.decode(targets[start:end])))
    if not args.show:
        columns = buckets + ["all"]
        label = lambda c: c if c == "all" else f"{c[0]:,} tokens" if c[0] == c[1] else f"{c[0]}-{c[1]} tokens"
        print("| field | " + " | ".join(map(label, columns)) + " |")
        print("|---|" + "---|" * len(columns))
        for name in FIELDS + ["all fields", "summary"]:
            print(f"| {name} | " + " | ".join(
                f"{100 * hits[name, c] / max(1, tries[name, c]):.1f}%" for c in columns) + " |")
        for bucket, layers in recall.items():
            if layers:
                print(f"{label(bucket)}: of the evidence in the bank, by layer: " + " ".join(
                    f"{100 * sum(v) / len(v):.1f}%" for _, v in sorted(layers.items())))
        for i, name, got, wanted in missed[:40]:
            print(f"document {i} {name}: argmax {got!r}, wanted {wanted!r}")


if __name__ == "__main__":
    main()
