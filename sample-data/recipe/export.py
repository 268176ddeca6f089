"""Writes a checkpoint as a Hugging Face model folder (and reads one back).

    python3 export.py /tmp/run/checkpoint.pt ../model
    python3 export.py /tmp/long/checkpoint.pt ../model --tuned

``--tuned`` says in config.json which bounded cache the model was trained with.
"""

import json
import os
import struct
import sys

import torch

import tokenizer as tok
from cache import HYBRID
from model import Config, Llama

DTYPES = {torch.float32: "F32", torch.bfloat16: "BF16"}


def hugging_face_tensors(state, config):
    """Our fused projections, split into the tensors of LlamaForCausalLM."""
    kv = config.num_key_value_heads * config.head_dim
    out = {}
    for name, tensor in state.items():
        if "qkv_proj" in name:
            parts = tensor.split([config.hidden_size, kv, kv])
            out.update((name.replace("qkv_proj", "self_attn." + p), t)
                       for p, t in zip(("q_proj", "k_proj", "v_proj"), parts))
        elif "gate_up_proj" in name:
            parts = tensor.chunk(2)
            out.update((name.replace("gate_up_proj", "mlp." + p), t)
                       for p, t in zip(("gate_proj", "up_proj"), parts))
        else:
            name = name.replace("o_proj", "self_attn.o_proj").replace("down_proj", "mlp.down_proj")
            out[name if name.endswith(".weight") else name + ".weight"] = tensor
    return {"model." + name: tensor for name, tensor in sorted(out.items())}


def ours(tensors, config):
    """The inverse of hugging_face_tensors."""
    state = {}
    get = lambda name: tensors["model." + name].float()
    for i in range(config.num_hidden_layers):
        p = f"layers.{i}."
        state[p + "qkv_proj.weight"] = torch.cat(
            [get(p + f"self_attn.{x}_proj.weight") for x in "qkv"])
        state[p + "gate_up_proj.weight"] = torch.cat(
            [get(p + f"mlp.{x}_proj.weight") for x in ("gate", "up")])
        state[p + "o_proj.weight"] = get(p + "self_attn.o_proj.weight")
        state[p + "down_proj.weight"] = get(p + "mlp.down_proj.weight")
        for norm in ("input_layernorm", "post_attention_layernorm"):
            state[p + norm] = get(p + norm + ".weight")
    state["norm"] = get("norm.weight")
    state["embed_tokens.weight"] = get("embed_tokens.weight")
    return state


def write_safetensors(path, tensors):
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        raw = tensor.contiguous()
        raw = raw.view(torch.int16) if raw.dtype == torch.bfloat16 else raw
        blob = raw.numpy().tobytes()
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for blob in blobs:
            f.write(blob)


def read_safetensors(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = bytearray(f.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        bf16 = entry["dtype"] == "BF16"
        flat = torch.frombuffer(data[start:end], dtype=torch.int16 if bf16 else torch.float32)
        flat = flat.view(torch.bfloat16) if bf16 else flat
        tensors[name] = flat.view(entry["shape"])
    return tensors


def write_json(folder, name, content):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        json.dump(content, f, indent=2)
        f.write("\n")


def export(checkpoint, folder, dtype=torch.bfloat16, tuned=False):
    saved = torch.load(checkpoint, map_location="cpu")
    config = Config(**saved["config"])
    t = tok.Tokenizer.load(saved["args"]["tokenizer"])
    os.makedirs(folder, exist_ok=True)
    tensors = hugging_face_tensors(saved["model"], config)
    write_safetensors(os.path.join(folder, "model.safetensors"),
                      {name: tensor.to(dtype) for name, tensor in tensors.items()})
    t.save(os.path.join(folder, "tokenizer.json"))
    write_json(folder, "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", **config.to_dict(),
        "head_dim": config.head_dim, "hidden_act": "silu", "attention_bias": False,
        "mlp_bias": False, "attention_dropout": 0.0, "rope_scaling": None,
        "tie_word_embeddings": True, "bos_token_id": t.begin, "eos_token_id": t.end,
        "pad_token_id": t.pad, "torch_dtype": str(dtype).split(".")[1], "use_cache": True,
        **({"lowpass": {"cache": "hybrid", "cache_tokens": HYBRID.tokens, "positions": "cache"}} if tuned else {})})
    write_json(folder, "generation_config.json", {
        "bos_token_id": t.begin, "eos_token_id": t.end, "pad_token_id": t.pad, "do_sample": False})
    write_json(folder, "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin|>",
        "eos_token": "<|end|>", "pad_token": "<|pad|>", "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": config.max_position_embeddings, "chat_template": tok.CHAT_TEMPLATE,
        "added_tokens_decoder": {str(t.vocab[s]): {
            "content": s, "lstrip": False, "normalized": False, "rstrip": False,
            "single_word": False, "special": True} for s in tok.SPECIALS}})


def load(folder):
    """(model, tokenizer) from an exported folder."""
    with open(os.path.join(folder, "config.json")) as f:
        content = json.load(f)
    config = Config(**{k: content[k] for k in Config().to_dict()})
    model = Llama(config)
    model.load_state_dict(ours(read_safetensors(os.path.join(folder, "model.safetensors")), config))
    return model.eval(), tok.Tokenizer.load(os.path.join(folder, "tokenizer.json"))


if __name__ == "__main__":
    export(sys.argv[1], sys.argv[2],
           torch.float32 if "--f32" in sys.argv else torch.bfloat16, "--tuned" in sys.argv)
