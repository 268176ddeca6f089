"""A small Llama in plain torch, laid out for "one document, many questions" training.

The parameter names, shapes and arithmetic are those of Hugging Face's ``LlamaForCausalLM``
(RMSNorm, rotate-half RoPE, grouped-query attention, SwiGLU, tied embeddings, no biases), so
that ``export.py`` only has to write the tensors down.

A training row is ``[ document | block 1 | block 2 | ... ]``. Each block is one question with
its answer. A block sees the document and itself, never another block, and its positions
continue right after the document. This is what a job does that keeps the document's key/value
cache and branches off it once per question; here it also means that the document is computed
once for a dozen questions.
"""

import math
from dataclasses import asdict, dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Config:
    vocab_size: int = 3072
    hidden_size: int = 256
    intermediate_size: int = 640
    num_hidden_layers: int = 5
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    max_position_embeddings: int = 2048
    rope_theta: float = 1000000.0
    rms_norm_eps: float = 1e-5
    compute: ClassVar[torch.dtype] = torch.float32      # of matrix products; weights stay float32

    @property
    def head_dim(self):
        return self.hidden_size // self.num_attention_heads

    def to_dict(self):
        return asdict(self)


class BranchAttention(torch.autograd.Function):
    """Softmax attention for rows of ``[document | blocks]``, with a hand-written backward.

    q is [B, KV, G, T, d] (G query heads share one key/value head), k and v are [B, KV, T, d].
    The first ``doc`` positions are the document (causal); the rest are blocks, which may see
    document positions where ``doc_mask`` is 0 and block positions where ``block_mask`` is 0
    (both masks are additive: 0 or -inf). The document is walked in chunks of queries so that
    no score above the diagonal chunk is ever computed, which halves the work.
    """

    CHUNK = 192

    @staticmethod
    def spans(doc, total):
        """(first query, last query, number of keys) of each chunk of queries."""
        for start in range(0, doc, BranchAttention.CHUNK):
            end = min(doc, start + BranchAttention.CHUNK)
            yield start, end, end
        if total > doc:
            yield doc, total, total

    @staticmethod
    def forward(ctx, q, k, v, doc, min_doc, doc_mask, block_mask):
        B, KV, G, T, d = q.shape
        k, v = k.reshape(B * KV, T, d), v.reshape(B * KV, T, d)
        out = q.new_empty(B * KV, G, T, d)
        saved = []
        for start, end, keys in BranchAttention.spans(doc, T):
            n = end - start
            queries = q[:, :, :, start:end].reshape(B * KV, G * n, d)
            scores = torch.bmm(queries, k[:, :keys].transpose(1, 2))
            view = scores.view(B, KV * G, n, keys)
            if start < doc:
                view[..., start:end] += torch.full((n, n), -math.inf, device=q.device).triu_(1)
            else:
                view[..., min_doc:doc] += doc_mask[:, None, None, min_doc:]
                view[..., doc:] += block_mask[:, None]
            probs = torch.softmax(scores, -1)
            out[:, :, start:end] = torch.bmm(probs, v[:, :keys]).view(B * KV, G, n, d)
            saved.append(probs)
        ctx.save_for_backward(q, k, v, *saved)
        ctx.doc = doc
        return out.view(B, KV, G, T, d)

    @staticmethod
    def backward(ctx, grad):
        q, k, v, *saved = ctx.saved_tensors
        B, KV, G, T, d = q.shape
        dq, dk, dv = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for probs, (start, end, keys) in zip(saved, BranchAttention.spans(ctx.doc, T)):
            n = end - start
            queries = q[:, :, :, start:end].reshape(B * KV, G * n, d)
            g = grad[:, :, :, start:end].reshape(B * KV, G * n, d)
            dv[:, :keys] += torch.bmm(probs.transpose(1, 2), g)
            dprobs = torch.bmm(g, v[:, :keys].transpose(1, 2))
            dscores = torch._softmax_backward_data(dprobs, probs, -1, probs.dtype)
            dq[:, :, :, start:end] = torch.bmm(dscores, k[:, :keys]).view(B, KV, G, n, d)
            dk[:, :keys] += torch.bmm(dscores.transpose(1, 2), queries)
        return dq, dk.view(B, KV, T, d), dv.view(B, KV, T, d), None, None, None, None


def rms_norm(x, weight, eps):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + eps) * weight


def rotate(x, cos, sin):
    """RoPE in the rotate-half convention."""
    half = x.shape[-1] // 2
    return torch.cat((x[..., :half] * cos - x[..., half:] * sin,
                      x[..., half:] * cos + x[..., :half] * sin), -1)


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        kv = c.num_key_value_heads * c.head_dim
        self.input_layernorm = nn.Parameter(torch.ones(c.hidden_size))
        self.post_attention_layernorm = nn.Parameter(torch.ones(c.hidden_size))
        # q, k, v share one matrix here, as do gate and up; export.py splits them.
        self.qkv_proj = nn.Linear(c.hidden_size, c.hidden_size + 2 * kv, bias=False)
        self.o_proj = nn.Linear(c.hidden_size, c.hidden_size, bias=False)
        self.gate_up_proj = nn.Linear(c.hidden_size, 2 * c.intermediate_size, bias=False)
        self.down_proj = nn.Linear(c.intermediate_size, c.hidden_size, bias=False)

    def linear(self, x, matrix):
        """x times a matrix, computed in the type of ``self.c.compute`` and returned in float32."""
        dtype = self.c.compute
        return F.linear(x.to(dtype), matrix.weight.to(dtype)).float()

    def project(self, x):
        """Queries and keys [B, heads, T, d] before RoPE, in one tensor, and values [B, KV, T, d]."""
        c, (B, T, _) = self.c, x.shape
        heads, KV = c.num_attention_heads, c.num_key_value_heads
        qkv = self.linear(rms_norm(x, self.input_layernorm, c.rms_norm_eps), self.qkv_proj)
        return qkv.view(B, T, heads + 2 * KV, c.head_dim).transpose(1, 2).split((heads + KV, KV), 1)

    def finish(self, x, y):
        """What follows attention: y [B, heads, T, d] through its projection, then the MLP."""
        c, (B, T, _) = self.c, x.shape
        x = x + self.linear(y.transpose(1, 2).reshape(B, T, -1), self.o_proj)
        y = self.linear(rms_norm(x, self.post_attention_layernorm, c.rms_norm_eps), self.gate_up_proj)
        gate, up = y.chunk(2, -1)
        return x + self.linear(F.silu(gate) * up, self.down_proj)

    def forward(self, x, cos, sin, doc, min_doc, doc_mask, block_mask):
        c, (B, T, _) = self.c, x.shape
        KV, G, d = c.num_key_value_heads, c.num_attention_heads // c.num_key_value_heads, c.head_dim
        qk, v = self.project(x)
        q, k = rotate(qk, cos, sin).split((KV * G, KV), 1)
        q = (q * d ** -0.5).view(B, KV, G, T, d)
        y = BranchAttention.apply(*(t.to(c.compute) for t in (q, k, v)), doc, min_doc, doc_mask, block_mask)
        return self.finish(x, y.view(B, KV * G, T, d).float())


class Llama(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.num_hidden_layers))
        self.norm = nn.Parameter(torch.ones(c.hidden_size))
        inv = c.rope_theta ** (-torch.arange(0, c.head_dim, 2).float() / c.head_dim)
        self.register_buffer("inv_freq", inv, persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                nn.init.normal_(p, std=p.shape[1] ** -0.5)
            if "o_proj" in name or "down_proj" in name:
                nn.init.zeros_(p)

    @torch.no_grad()
    def wire_copying(self, twins=()):
        """Starts the first two layers as the copying circuit that training finds late.

        Layer 0 writes the embedding of the previous token into the upper half of the residual
        stream. Layer 1 looks for positions whose previous token is the present token, and
        moves the token found there to the output ("A B ... A" -> "B"). Training from random
        weights spends its first few million tokens on little else.

        ``twins`` are pairs of tokens (word, word with a space before it). They start close to
        each other, one common direction apart, because an answer's first word has no space
        before it while its occurrence in the document does.
        """
        c = self.c
        half, d = c.hidden_size // 2, c.head_dim
        assert half <= c.num_key_value_heads * d and d >= 24
        group = c.num_attention_heads // c.num_key_value_heads
        pairs = d // 2
        embed = self.embed_tokens.weight
        nn.init.normal_(embed, std=0.5)
        embed[:, half:] = 0
        embed[:, 0] = 2.5                                   # a constant that heads can lean on
        self.twin(twins)
        self.norm.fill_(0.2)

        def rows(layer):
            q, k, v = self.layers[layer].qkv_proj.weight.split(
                [c.hidden_size] + [c.num_key_value_heads * d] * 2)
            return q, k, v, self.layers[layer].o_proj.weight

        size = half // c.num_key_value_heads                # dimensions carried by one head
        q, k, v, o = rows(0)
        for head in range(c.num_attention_heads):
            kv, offset = head // group, 1 + head % group    # looks back by 1, 2, ... tokens
            angle = offset * self.inv_freq[:12]
            q[head * d:(head + 1) * d] = 0
            k[kv * d:(kv + 1) * d] = 0
            q[head * d:head * d + 12, 0] = 2.0 * angle.cos()
            q[head * d + pairs:head * d + pairs + 12, 0] = -2.0 * angle.sin()
            k[kv * d:kv * d + 12, 0] = 2.0
        for kv in range(c.num_key_value_heads):
            eye = torch.eye(size)
            v[kv * d:kv * d + size] = 0
            v[kv * d:kv * d + size, kv * size:(kv + 1) * size] = eye
            o[half + kv * size:half + (kv + 1) * size, kv * group * d:kv * group * d + size] = 0.35 * eye
        q, k, v, o = rows(1)
        # Only slowly turning rotary pairs can compare content regardless of distance.
        slow = [i for i in range(pairs) if self.inv_freq[i] < 3e-3]
        slow = slow + [i + pairs for i in slow]
        for kv in range(c.num_key_value_heads):
            head = kv * group
            q[head * d:(head + 1) * d] = 0
            k[kv * d:(kv + 1) * d] = 0
            for n, i in enumerate(slow):
                source = 1 + (kv * len(slow) + n) % (half - 1)
                q[head * d + i, source] = 2.0
                k[kv * d + i, half + source] = 2.0
            v[kv * d:kv * d + size] = 0
            v[kv * d:kv * d + size, kv * size:(kv + 1) * size] = eye
            o[kv * size:(kv + 1) * size, head * d:head * d + size] = 2.0 * eye

    @torch.no_grad()
    def twin(self, twins):
        embed = self.embed_tokens.weight
        apart = torch.randn(self.c.hidden_size // 2 - 1) * 0.25
        for bare, spaced in twins:
            part = embed[bare, 1:self.c.hidden_size // 2]
            part.mul_(0.25).add_(embed[spaced, 1:self.c.hidden_size // 2]).add_(apart)

    def hidden(self, tokens, positions, doc, min_doc, doc_mask, block_mask):
        """Final hidden states [B, T, hidden] of rows laid out as ``[document | blocks]``.

        ``doc`` is the padded document length, ``min_doc`` the shortest true one in the batch.
        """
        angle = positions[..., None].float() * self.inv_freq
        cos, sin = angle.cos()[:, None], angle.sin()[:, None]
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, cos, sin, doc, min_doc, doc_mask, block_mask)
        return rms_norm(x, self.norm, self.c.rms_norm_eps)

    def logits(self, hidden):
        return hidden @ self.embed_tokens.weight.t()
