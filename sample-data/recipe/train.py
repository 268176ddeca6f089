"""Trains the contract reader from nothing, on CPU or GPU; kill and rerun it at will to resume.

    python3 train.py --out /tmp/run --workers 2

With --workers N, N processes of one thread each share the weights and compute the gradient of
a part of every batch; on a CPU that is faster than one process with N threads, and it suffers
less when other work wants the cores.

Every document is generated on the fly and never seen twice, so the exact match printed in the
log is already measured on documents new to the model. Step N draws its documents from a random
source seeded with N: a resumed run sees what an unbroken run would have seen.

The curriculum (batches.LEVELS) starts with plain copying, look-up tables and a few facts in a few
sentences, and goes on to whole contracts, then to long ones that are read with a bounded cache.
It moves one level up when the running exact match at the present level passes --advance.

    python3 train.py --out /tmp/long --from ../model --level 9 --workers 2 --bf16 \\
        --batch 8000 --tokens 4.4e6 --decay 0.6 --muon-lr 0.004 --adam-lr 1.2e-3 \\
        --text-weight 0.05 --review 0

goes on from an exported model with the levels of the bounded cache.
"""

import argparse
import collections
import json
import os
import random
import signal
import threading
import time

import torch
import torch.multiprocessing as mp
from torch.nn import functional as F

import export
from batches import FIELDS, LEVELS, Encoder, ask, collate, fits, long_batch, make_batch, watch
from cache import FREQKV, HYBRID, Reader
from model import Config, Llama, rms_norm
from tokenizer import Tokenizer


# ---------------------------------------------------------------------------------------------
# Optimiser


def orthogonalize(m, steps=5):
    """Newton-Schulz iteration towards the nearest semi-orthogonal matrix."""
    wide = m if m.shape[0] <= m.shape[1] else m.t()
    x = wide / (wide.norm() + 1e-7)
    for _ in range(steps):
        a = x @ x.t()
        x = torch.addmm(x, torch.addmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    return x if wide is m else x.t()


class Optimizer:
    """Muon (momentum, orthogonalised updates) for the layers' matrices, Adam for the rest.

    All state lives in shared memory. Each worker updates every n-th parameter.
    """

    def __init__(self, model, args):
        c = model.c
        kv = c.num_key_value_heads * c.head_dim
        self.args, self.params = args, []
        for name, p in model.named_parameters():
            parts = None
            if p.dim() == 2 and "embed" not in name:  # a fused projection is several matrices
                parts = ([c.hidden_size, kv, kv] if "qkv" in name else
                         [c.intermediate_size] * 2 if "gate_up" in name else [p.shape[0]])
            state = [torch.zeros_like(p.data).share_memory_() for _ in range(1 if parts else 2)]
            self.params.append((name, p, parts, state))

    @torch.no_grad()
    def update(self, index, grad, lr, step):
        _, p, parts, state = self.params[index]
        if parts:
            momentum = state[0].mul_(0.95).add_(grad)
            update = grad + 0.95 * momentum
            rate = lr * self.args.muon_lr
            p.mul_(1 - rate * self.args.weight_decay)
            for part, target in zip(update.split(parts), p.data.split(parts)):
                scale = max(1, part.shape[0] / part.shape[1]) ** 0.5
                target.add_(orthogonalize(part), alpha=-rate * scale)
        else:
            mean, square = state
            mean.mul_(0.9).add_(grad, alpha=0.1)
            square.mul_(0.98).addcmul_(grad, grad, value=0.02)
            mean_hat, square_hat = mean / (1 - 0.9 ** (step + 1)), square / (1 - 0.98 ** (step + 1))
            p.sub_(mean_hat / (square_hat.sqrt() + 1e-8), alpha=lr * self.args.adam_lr)

    def state_dict(self):
        return {name: state for name, _, _, state in self.params}

    def load_state_dict(self, saved):
        for name, _, _, state in self.params:
            for mine, theirs in zip(state, saved[name]):
                mine.copy_(theirs)


def schedule(tokens, args):
    """Warm-up, flat, then linear decay to zero over the last part of the run."""
    warm = min(1.0, (tokens + 1) / args.warmup)
    decay = min(1.0, max(0.0, (args.tokens - tokens) / (args.decay * args.tokens)))
    return warm * decay


# ---------------------------------------------------------------------------------------------
# The loop


def next_tokens(model, rng, tokens, start, rows):
    """Cross entropy of the next token, at a sample of the last chunk's rows [B, n, hidden]."""
    B, n = rows.shape[:2]
    if n < 2:
        return 0.0
    pick = torch.tensor(rng.sample(range(n - 1), min(n - 1, 300 // B)))
    x = rms_norm(rows[:, pick], model.norm, model.c.rms_norm_eps)
    return F.cross_entropy(model.logits(x).flatten(0, 1), tokens[:, start + 1 + pick].flatten())


def bounded(model, encoder, args, rng, kind, target, device):
    """Loss terms of a batch that is read with a bounded cache."""
    plan = HYBRID if kind == "hybrid" else FREQKV
    rows = long_batch(rng, encoder, target, max(1, round(args.batch / args.workers / (target + 400))))
    some = rng.choice((1, rng.randint(1, len(FIELDS)), rng.randint(1, len(FIELDS)), rng.randint(1, len(FIELDS))))
    names = FIELDS if rng.random() < 0.6 else rng.sample(FIELDS, some)
    names = [] if rng.random() < args.summaries else names
    probe, asked = encoder.probe(names)
    wanted = set(names or ["summary"]) if kind == "hybrid" else {*FIELDS, "summary"}
    blocks = [rng.sample(kept, len(kept)) for _, _, b in rows for kept in [[x for x in b if x[0] in wanted]]]
    length = len(rows[0][0])
    tokens = torch.tensor([ids for ids, _, _ in rows])
    if fits(plan, length, max(len(x[1]) - x[2] for b in blocks for x in b)):
        probe = []
    reader, text = Reader(model, plan), []
    seen = watch(rows, names, asked, len(probe)) if probe and kind == "hybrid" else None
    caches = reader.read(tokens, probe, seen, length - args.horizon, text)
    text_loss = next_tokens(model, rng, tokens, *text[0])
    answers = [(model.logits(h), t, s) for h, t, s in ask(reader, caches, blocks, encoder.t.pad)]
    count = sum(len(t) for _, t, _ in answers)
    answer_loss = sum(F.cross_entropy(l, t, reduction="sum") for l, t, _ in answers) / count
    spans = []
    for logits, targets, parts in answers:
        hits = (logits.argmax(-1) == targets).tolist()
        spans += [(n, all(hits[a:b])) for n, a, b in parts]
    share, keep = seen.loss() if seen else (0.0, 0.0)
    # FreqKV alone cannot know most answers: too much of it would teach to guess.
    loss = answer_loss * (1 if plan.exact else 0.2) + args.text_weight * text_loss + args.probe_weight * (share + keep)
    return loss, {"answer": answer_loss.item(), "text": float(text_loss), "share": float(share),
                  "keep": float(keep), "recall": seen.recall if seen else {},
                  "tokens": length * len(rows), "spans": spans}


def gradient(model, encoder, args, rng, common, level, device):
    """One part of a batch: leaves gradients in the model; returns what the log needs. What
    ``common`` draws is the same for all workers, so that none waits long for the others."""
    kind, arguments = common.choice(LEVELS[level])
    target = common.randint(*arguments) if kind in ("whole", "hybrid", "freqkv") else 0
    if kind in ("hybrid", "freqkv"):
        loss, report = bounded(model, encoder, args, rng, kind, target, device)
        model.zero_grad(set_to_none=True)
        loss.backward()
        return {**report, "kind": kind}
    rows = make_batch(rng, encoder, kind, arguments, target, args.batch / args.workers)
    batch, positions, layout, where, targets, spans = collate(rows, encoder.t.pad, device)
    hidden = model.hidden(batch, positions, **layout).flatten(0, 1)
    answer_logits = model.logits(hidden[where])
    answer_loss = F.cross_entropy(answer_logits, targets)
    flat = [r * batch.shape[1] + i for r, (ids, _) in enumerate(rows) for i in range(len(ids) - 1)]
    flat = torch.tensor(rng.sample(flat, min(len(flat), 600 // args.workers)), device=device)
    text_loss = F.cross_entropy(model.logits(hidden[flat]), batch.flatten()[flat + 1])
    weight = 0.0 if spans[0][0] == "echo" else args.text_weight
    model.zero_grad(set_to_none=True)
    (answer_loss + weight * text_loss).backward()
    hits = (answer_logits.argmax(-1) == targets).tolist()
    return {"kind": kind, "answer": answer_loss.item(), "text": text_loss.item(),
            "tokens": sum(len(d) + sum(len(b[1]) for b in blocks) for d, blocks in rows),
            "spans": [(name, all(hits[start:end])) for name, start, end in spans]}


def worker(barrier, *arguments):
    """Runs ``steps``; if it fails, everybody waiting for this worker fails too."""
    try:
        steps(barrier, *arguments)
    except BaseException:
        barrier.abort()
        raise


def steps(barrier, rank, model, optimizer, grads, plan, pipe, encoder, args, device):
    """Steps in unison with the other workers until told that the run is over."""
    if args.workers > 1:
        torch.set_num_threads(1)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        barrier.wait()  # the plan is written
        step, level, lr, running = plan.tolist()
        if not running:
            return
        rng = random.Random(f"train-{args.seed}-{int(step)}-{rank}")
        common = random.Random(f"train-{args.seed}-{int(step)}-all")
        report = gradient(model, encoder, args, rng, common, int(level), device)
        for mine, p in zip(grads[rank], model.parameters()):
            mine.copy_(p.grad) if p.grad is not None else mine.zero_()
        pipe.send(report)
        barrier.wait()  # all gradients are there
        means = [sum(g[i] for g in grads) / args.workers for i in range(len(grads[0]))]
        norm = sum(float(m.square().sum()) for m in means) ** 0.5
        for i, mean in enumerate(means):
            if i % args.workers == rank:
                optimizer.update(i, mean * min(1.0, 1.0 / (norm + 1e-6)), lr, step)
        barrier.wait()  # all weights are updated


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--out", required=True, help="folder for checkpoints and the log")
    ap.add_argument("--from", dest="start", help="go on from this exported model, with a fresh optimiser")
    ap.add_argument("--tokenizer", default="../model/tokenizer.json")
    ap.add_argument("--tokens", type=float, default=10.5e6, help="length of the whole run")
    ap.add_argument("--batch", type=int, default=4000, help="tokens per step")
    ap.add_argument("--workers", type=int, default=1, help="processes (CPU only)")
    ap.add_argument("--layers", type=int, default=4)
    ap.add_argument("--hidden", type=int, default=256)
    ap.add_argument("--mlp", type=int, default=512)
    ap.add_argument("--heads", type=int, default=4)
    ap.add_argument("--kv-heads", type=int, default=2)
    ap.add_argument("--muon-lr", type=float, default=0.015)
    ap.add_argument("--adam-lr", type=float, default=7e-3)
    ap.add_argument("--weight-decay", type=float, default=0.1)
    ap.add_argument("--warmup", type=float, default=1e5, help="tokens")
    ap.add_argument("--decay", type=float, default=0.35, help="share of the run")
    ap.add_argument("--text-weight", type=float, default=0.25, help="weight of the document's own loss")
    ap.add_argument("--probe-weight", type=float, default=0.15, help="weight of what the probe should look at")
    ap.add_argument("--summaries", type=float, default=0.25, help="share of long batches that ask for the summary")
    ap.add_argument("--horizon", type=int, default=4000, help="tokens before the end that carry gradients")
    ap.add_argument("--bf16", action="store_true", help="matrix products in bfloat16")
    ap.add_argument("--advance", type=float, default=0.8, help="exact match that ends a level")
    ap.add_argument("--level", type=int, help="start (or resume) at this level")
    ap.add_argument("--top", type=int, help="last level; 8, the last with full attention, unless --from is given")
    ap.add_argument("--review", type=float, default=0.12, help="share of batches from earlier levels")
    ap.add_argument("--save-every", type=float, default=180, help="seconds")
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    os.makedirs(args.out, exist_ok=True)
    checkpoint = os.path.join(args.out, "checkpoint.pt")

    torch.manual_seed(args.seed)
    encoder = Encoder(Tokenizer.load(args.tokenizer))
    if args.bf16:
        Config.compute = torch.bfloat16
    if args.start:
        model = export.load(args.start)[0].train()
        config = model.c
    else:
        config = Config(len(encoder.t.vocab), args.hidden, args.mlp, args.layers, args.heads, args.kv_heads)
        model = Llama(config)
        model.wire_copying(encoder.t.twins())
    model.to(device)
    if args.workers > 1:
        model.share_memory()
    optimizer = Optimizer(model, args)
    step, tokens, level, entered, seconds = 0, 0, 0, 0, 0.0
    running = collections.defaultdict(lambda: [0.0, 0.0])  # (level, field): decayed hits, tries
    if os.path.exists(checkpoint):
        saved = torch.load(checkpoint, map_location=device)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, tokens, level, entered, seconds = (
            saved[k] for k in ("step", "tokens", "level", "entered", "seconds"))
        running.update(saved["running"])
    level = level if args.level is None else args.level
    top = args.top if args.top is not None else len(LEVELS) - 1 if args.start else 8
    log = open(os.path.join(args.out, "log.txt"), "a", buffering=1)

    def say(line):
        print(line, flush=True)
        log.write(line + "\n")

    def rate(l, name=None):
        pairs = [v for (a, b), v in running.items() if a == l and name in (None, b)]
        return sum(h for h, _ in pairs) / max(1e-9, sum(n for _, n in pairs))

    def save():
        torch.save({"model": model.state_dict(), "config": config.to_dict(),
                    "optimizer": optimizer.state_dict(), "step": step, "tokens": tokens,
                    "level": level, "entered": entered, "seconds": seconds,
                    "running": dict(running), "args": vars(args)}, checkpoint + ".new")
        os.replace(checkpoint + ".new", checkpoint)

    # The workers do all the computing; this process plans, logs and saves between barriers.
    grads = [[torch.zeros_like(p).detach().share_memory_() for p in model.parameters()]
             for _ in range(args.workers)]
    plan = torch.zeros(4, dtype=torch.float64).share_memory_()
    barrier = mp.get_context("fork").Barrier(args.workers + 1)
    pipes = [mp.get_context("fork").Pipe() for _ in range(args.workers)]
    processes = []
    for rank in range(args.workers):
        arguments = (barrier, rank, model, optimizer, grads, plan, pipes[rank][1], encoder, args, device)
        start = (mp.get_context("fork").Process if args.workers > 1 else threading.Thread)
        processes.append(start(target=worker, args=arguments, daemon=True))
        processes[-1].start()

    say(f"{sum(p.numel() for p in model.parameters())} parameters; {device}; step {step}; "
        f"{json.dumps(vars(args))}")
    last_save = last_log = time.time()
    tokens_logged, losses = tokens, [0.0, 0.0, 0]
    watched, kinds = collections.defaultdict(list), collections.defaultdict(list)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))  # finish the step, save, leave
    while tokens < args.tokens and not stop:
        started = time.time()
        rng = random.Random(f"train-{args.seed}-{step}")
        now = rng.randint(max(0, level - 2), level - 1) if level and rng.random() < args.review else level
        plan.copy_(torch.tensor([step, now, schedule(tokens, args), 1]))
        for _ in range(3):
            barrier.wait()
        for pipe, _ in pipes:
            report = pipe.recv()
            tokens += report["tokens"]
            losses = [losses[0] + report["answer"], losses[1] + report["text"], losses[2] + 1]
            for key in ("share", "keep"):
                watched[key].append(report.get(key, 0.0)) if report.get("recall") else None
            for layer, value in report.get("recall", {}).items():
                watched[f"bank{layer}"].append(value)
            kinds[report["kind"]].extend(hit for name, hit in report["spans"] if name != "summary")
            for name, hit in report["spans"]:
                entry = running[now, name]
                entry[:] = entry[0] * 0.98 + hit, entry[1] * 0.98 + 1
        step += 1
        seconds += time.time() - started

        if time.time() - last_log > 30:
            names = sorted({b for a, b in running if a == level})
            say(f"step {step} {tokens / 1e6:.2f}M {seconds / 60:.1f}min level {level} "
                f"lr {schedule(tokens, args):.2f} "
                f"answer {losses[0] / losses[2]:.3f} text {losses[1] / losses[2]:.2f} "
                f"{(tokens - tokens_logged) / (time.time() - last_log):.0f} tok/s | "
                + " ".join(f"L{a}:{rate(a):.3f}" for a in range(level + 1)) + " | "
                + " ".join(f"{n} {rate(level, n):.2f}" for n in names) + " | "
                + " ".join(f"{n} {sum(v) / len(v):.3f}" for n, v in sorted(watched.items())) + " | "
                + " ".join(f"{n} {sum(v) / max(1, len(v)):.3f}" for n, v in sorted(kinds.items())))
            watched.clear()
            kinds.clear()
            last_log, tokens_logged, losses = time.time(), tokens, [0.0, 0.0, 0]
        if level < top and tokens - entered > 100e3 and rate(level) > args.advance:
            level, entered = level + 1, tokens
            say(f"level {level}")
        if time.time() - last_save > args.save_every:
            save()
            last_save = time.time()
    save()
    say("stopped" if stop else "done")
    plan[3] = 0
    barrier.wait()


if __name__ == "__main__":
    main()
