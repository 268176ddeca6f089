"""The bounded cache in the loop: how the hybrid (and FreqKV alone) reads a document of any length.

A layer's cache holds at most N = S + M + E entries: ``sinks | band | bank | tail``. The document
is read chunk by chunk. Behind each chunk stands the probe, the tokens of the questions that will
be asked; it is run through the layers with the chunk, observes, and is not stored. After a chunk
the E entries of bank and tail that the probe looks at most are the bank, kept exactly; the others
follow the band in order. When the next token needs room, the band's M entries become L by a
low-pass filter (FreqKV: DCT, the L lowest frequencies, inverse DCT of size L).

Everything is done per layer and per key/value head. Keys are kept without RoPE: an entry's
position is its place in its cache, and the rows that are being read stand behind the last entry.

Gradients flow through attention, filter and gathers. Which entries are chosen is not
differentiable; ``Watch`` measures (and, as a loss, teaches) that the probe looks at the text
which answers it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.nn import functional as F

from model import rms_norm, rotate

ROWS = 256      # queries at a time: what stands above the diagonal block is never computed


@dataclass(frozen=True)
class Plan:
    """Sizes of a bounded cache, with the symbols of the papers."""
    tokens: int = 1024      # N
    sinks: int = 4          # S
    share: float = 0.5      # of N - S: E, the bank; 0 is FreqKV alone
    ratio: float = 0.5      # gamma = L / M
    kernel: int = 7         # of the max pooling over scores

    @property
    def exact(self):
        return int(self.share * (self.tokens - self.sinks))

    @property
    def band(self):
        return self.tokens - self.sinks - self.exact

    @property
    def low(self):
        return int(self.ratio * self.band)


HYBRID, FREQKV = Plan(), Plan(share=0.0)


@lru_cache(maxsize=None)
def low_pass(size, low):
    """[low, size]: orthonormal DCT-II, truncated, inverse DCT of the smaller size, times
    sqrt(low / size), which keeps a constant what it is."""
    def dct(n):
        k, i = torch.arange(n, dtype=torch.float64)[:, None], torch.arange(n, dtype=torch.float64)
        matrix = math.sqrt(2 / n) * torch.cos(math.pi * (i + 0.5) * k / n)
        matrix[0] /= math.sqrt(2)
        return matrix
    return (math.sqrt(low / size) * dct(low).t() @ dct(size)[:low]).float()


class Watch:
    """Which tokens each asker's answer rests on, and how well probe and banks attend to them.

    ``askers`` [A, p] has ones at the probe rows of each asker (a question, or a fact of the
    summary); ``gold`` [B, A, n] marks the document's tokens that state the answer. Layers from
    ``first`` on are observed; layer 0 only looks at neighbours.
    """

    def __init__(self, askers, gold, first=1, margin=2.5):
        self.askers, self.gold, self.first, self.margin = askers, gold.float(), first, margin
        self.share, self.keep, self.terms = 0.0, 0.0, 0
        self.recall = {}    # layer -> (kept, all), of gold tokens that were read so far

    def wanted(self, origins):
        """[B, KV, A, entries]: ones where an entry is a token that the asker's answer rests on."""
        B, KV, n = origins.shape
        A = self.gold.shape[1]
        gold = self.gold[:, None].expand(B, KV, A, -1)
        return gold.gather(3, origins[:, :, None].expand(B, KV, A, n))

    def observe(self, mass, pooled, chosen, origins):
        """mass [B, KV, A, entries]: each asker's attention, averaged over its rows and the
        group's heads; pooled [B, KV, entries]: the scores; chosen: a mask of the best."""
        wanted = self.wanted(origins)
        found = wanted.sum(-1)
        present = (found > 0).float()
        share = (mass * wanted).sum(-1)
        self.share = self.share - ((share + 1e-4).log() * present).sum() / present.sum().clamp(min=1)
        threshold = pooled.detach().masked_fill(~chosen, math.inf).amin(-1, keepdim=True)
        lack = F.relu(self.margin + (threshold + 1e-6).log() - (pooled + 1e-6).log())
        any_ = (wanted.sum(2) > 0).float()
        self.keep = self.keep + (lack * any_).sum() / any_.sum().clamp(min=1)
        self.terms += 1

    @torch.no_grad()
    def count(self, layer, origins):
        """After the last chunk: how much of the gold is in a layer's bank, per kv head."""
        held = self.wanted(origins).sum(-1)                       # [B, KV, A]
        total = self.gold.sum(-1)[:, None].expand_as(held)
        some = total > 0
        self.recall[layer] = (held[some] / total[some]).mean().item() if some.any() else 1.0

    def loss(self):
        """(mean -log share of attention on gold, mean shortfall of gold scores in nats)"""
        return (self.share / self.terms, self.keep / self.terms) if self.terms else (0.0, 0.0)


class LayerCache:
    """One layer's entries: un-rotated keys and values [B, KV, length, d], and where each bank or
    tail entry comes from in the document (-1 elsewhere)."""

    def __init__(self, plan, keys, values, origins, band=0, bank=0):
        self.plan, self.keys, self.values, self.origins = plan, keys, values, origins
        self.band, self.bank = band, bank

    @classmethod
    def empty(cls, plan, B, KV, d):
        none = torch.zeros(B, KV, 0, d)
        return cls(plan, none, none, torch.zeros(B, KV, 0, dtype=torch.long))

    def copy(self):
        return LayerCache(self.plan, self.keys, self.values, self.origins, self.band, self.bank)

    @property
    def length(self):
        return self.keys.shape[2]

    @property
    def room(self):
        return self.plan.tokens - self.length

    def append(self, keys, values, start):
        B, KV, n, _ = keys.shape
        self.keys = torch.cat((self.keys, keys), 2)
        self.values = torch.cat((self.values, values), 2)
        origins = torch.arange(start, start + n).expand(B, KV, n)
        self.origins = torch.cat((self.origins, origins), 2)

    def settle(self, scores):
        """The best of bank and tail become the bank; the others follow the band."""
        p = self.plan
        start = p.sinks + self.band
        best = torch.sort(scores, dim=-1, descending=True, stable=True)[1][..., :p.exact]
        chosen = torch.zeros_like(scores, dtype=torch.bool).scatter_(2, best, True)
        order = torch.sort(chosen.to(torch.int8), dim=-1, stable=True)[1]   # the others, then the best
        index = order[..., None].expand(-1, -1, -1, self.keys.shape[3])
        move = lambda t: torch.cat((t[:, :, :start], t[:, :, start:].gather(2, index)), 2)
        self.keys, self.values = move(self.keys), move(self.values)
        self.origins = torch.cat((self.origins[:, :, :start], self.origins[:, :, start:].gather(2, order)), 2)
        self.bank = min(p.exact, scores.shape[2])
        self.band += scores.shape[2] - self.bank
        return chosen

    def make_room(self):
        """Folds an unsettled tail behind the band and filters the band down to L entries."""
        p = self.plan
        s, b, e = p.sinks, p.sinks + self.band, p.sinks + self.band + self.bank
        size = self.band + self.length - e
        if size <= p.low:
            return
        filter_ = low_pass(size, p.low)
        def move(t):
            band = torch.cat((t[:, :, s:b], t[:, :, e:]), 2)
            return torch.cat((t[:, :, :s], filter_ @ band, t[:, :, b:e]), 2)
        self.keys, self.values = move(self.keys), move(self.values)
        self.origins = torch.cat((self.origins[:, :, :s], self.origins.new_full(
            (*self.origins.shape[:2], p.low), -1), self.origins[:, :, b:e]), 2)
        self.band = p.low


def attend(q, k, v, mask):
    """q [B, KV, G, n, d] over k, v [B, KV, T, d]; mask is added to the last columns.
    Returns ([B, KV, G, n, d], probabilities [B * KV, G, n, T])."""
    B, KV, G, n, d = q.shape
    T = k.shape[2]
    k, v = k.reshape(B * KV, T, d), v.reshape(B * KV, T, d)
    scores = torch.bmm(q.reshape(B * KV, G * n, d), k.transpose(1, 2)).view(B * KV, G, n, T)
    scores[..., T - mask.shape[-1]:] += mask
    probs = torch.softmax(scores, -1)
    out = torch.bmm(probs.view(B * KV, G * n, T), v)
    return out.view(B, KV, G, n, d), probs


def causal(n, dtype):
    return torch.full((n, n), -math.inf, dtype=dtype).triu_(1)


class Reader:
    """Reads a batch of documents of one length, and answers questions from the caches."""

    def __init__(self, model, plan):
        self.model, self.c, self.plan = model, model.c, plan

    def angles(self, start, n):
        angle = torch.arange(start, start + n, dtype=torch.float32)[:, None] * self.model.inv_freq
        return angle.cos(), angle.sin()

    def heads(self, layer, x, cache):
        """Rotated queries, and keys and values of cache and rows together, ready for attend."""
        c, (B, n, _) = self.c, x.shape
        KV, G = c.num_key_value_heads, c.num_attention_heads // c.num_key_value_heads
        qk, v = layer.project(x)
        q, k = qk.split((KV * G, KV), 1)
        cos, sin = self.angles(0, cache.length + n)
        q = rotate(q, cos[cache.length:], sin[cache.length:]) * c.head_dim ** -0.5
        keys = rotate(torch.cat((cache.keys, k), 2), cos, sin)
        values = torch.cat((cache.values, v), 2)
        return (q.view(B, KV, G, n, -1).to(c.compute), keys.to(c.compute), values.to(c.compute), k, v)

    def chunk(self, layer, number, x, cache, size, start, watch, last):
        """One layer over ``size`` chunk rows and the probe behind them. Stores the chunk and
        settles the cache. ``last``: nobody needs the rows that come out."""
        plan, (B, n, _) = self.plan, x.shape
        old, p = cache.length, n - size
        q, keys, values, k, v = self.heads(layer, x, cache)
        outs = []
        for at in range(0, 0 if last else size, ROWS):
            end = min(size, at + ROWS)
            outs.append(attend(q[:, :, :, at:end], keys[:, :, :old + end], values[:, :, :old + end],
                               causal(end - at, q.dtype))[0])
        cache.append(k[:, :, :size], v[:, :, :size], start)
        if p:
            out, probs = attend(q[:, :, :, size:], keys, values, causal(p, q.dtype))
            outs.append(out)
            self.observe(cache, number, probs, watch)
        if last:
            return None
        y = torch.cat(outs, 3).flatten(1, 2).float()
        return layer.finish(x, y)

    def observe(self, cache, number, probs, watch):
        """Scores bank and tail by the probe's attention, and settles the cache."""
        plan = self.plan
        BKV, G, p, _ = probs.shape
        B, KV = cache.keys.shape[:2]
        first = plan.sinks + cache.band
        seen = probs[..., first:cache.length]
        watched = watch is not None and number >= watch.first
        rows = torch.ones(1, p)
        if watched:
            rows = torch.cat((rows, watch.askers / watch.askers.sum(1, keepdim=True)))
        mass = (rows.to(seen.dtype) @ seen).float()                             # [B * KV, G, 1 + A, entries]
        scores = mass[:, :, 0]
        if plan.kernel > 1:
            scores = F.max_pool1d(scores, plan.kernel, 1, plan.kernel // 2)
        scores = scores.sum(1).view(B, KV, -1)
        origins = cache.origins[:, :, first:]
        chosen = cache.settle(scores.detach())
        if watched:
            if torch.is_grad_enabled():
                watch.observe(mass[:, :, 1:].mean(1).view(B, KV, rows.shape[0] - 1, -1), scores, chosen, origins)

    def read(self, tokens, probe=None, watch=None, grad_from=0, text=None):
        """The caches after documents ``tokens`` [B, n], of which all tokens that do not fit are
        read with the probe's ids behind every chunk. Chunks before token ``grad_from`` carry no
        gradients. ``text``: a list that collects (start, last hidden rows) of the last chunk."""
        c, plan, (B, n) = self.c, self.plan, tokens.shape
        probe = tokens.new_tensor(probe if probe and plan.exact else [])
        embed = self.model.embed_tokens
        document, behind = embed(tokens), embed(probe).expand(B, -1, -1)
        caches = [LayerCache.empty(plan, B, c.num_key_value_heads, c.head_dim) for _ in self.model.layers]
        at, grad = 0, torch.is_grad_enabled()
        while at < n:
            if caches[0].room == 0:
                with torch.set_grad_enabled(grad and at >= grad_from):
                    for cache in caches:
                        cache.make_room()
            size = min(caches[0].room, n - at)
            final = at + size == n
            with torch.set_grad_enabled(grad and (at >= grad_from or final)):
                x = torch.cat((document[:, at:at + size], behind), 1)
                for number, (layer, cache) in enumerate(zip(self.model.layers, caches)):
                    last = number + 1 == len(caches) and not (final and text is not None)
                    x = self.chunk(layer, number, x, cache, size, at, watch, last)
            if final and text is not None:
                text.append((at, x[:, :size]))
            at += size
        if watch is not None and len(probe):
            for number, cache in enumerate(caches):
                start = plan.sinks + cache.band
                watch.count(number, cache.origins[:, :, start:start + cache.bank])
        return caches

    def answer(self, caches, tokens, offsets, visible):
        """Hidden states of question rows [B, T], each block going on from the caches by itself:
        ``offsets`` [B, T] are places within the block, ``visible`` [B, T, T] what a row may see."""
        c, (B, T) = self.c, tokens.shape
        KV, G = c.num_key_value_heads, c.num_attention_heads // c.num_key_value_heads
        mask = torch.zeros(visible.shape).masked_fill_(~visible, -1e30).to(c.compute)
        mask = mask[:, None].expand(B, KV, T, T).reshape(B * KV, 1, T, T)
        x = self.model.embed_tokens(tokens)
        for layer, cache in zip(self.model.layers, caches):
            qk, v = layer.project(x)
            angle = (cache.length + offsets)[:, None, :, None].float() * self.model.inv_freq
            q, k = rotate(qk, angle.cos(), angle.sin()).split((KV * G, KV), 1)
            q = (q * c.head_dim ** -0.5).view(B, KV, G, T, -1).to(c.compute)
            keys = torch.cat((rotate(cache.keys, *self.angles(0, cache.length)), k), 2).to(c.compute)
            values = torch.cat((cache.values, v), 2).to(c.compute)
            x = layer.finish(x, attend(q, keys, values, mask)[0].flatten(1, 2).float())
        return rms_norm(x, self.model.norm, c.rms_norm_eps)
