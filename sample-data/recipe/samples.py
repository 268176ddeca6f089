"""Writes the sample contracts, their expected answers and the schema.

    python3 samples.py ..          (the folder that holds contracts/ and model/)
"""

import json
import os
import random
import sys

import contracts
from tokenizer import Tokenizer


def main(folder, documents=24):
    tokenizer = Tokenizer.load(os.path.join(folder, "model", "tokenizer.json"))
    texts = os.path.join(folder, "contracts")
    os.makedirs(texts, exist_ok=True)
    with open(os.path.join(folder, "contracts.schema.json"), "w", encoding="utf-8") as f:
        json.dump(contracts.SCHEMA, f, indent=2)
        f.write("\n")
    with open(os.path.join(folder, "contracts.expected.jsonl"), "w", encoding="utf-8") as f:
        for i in range(documents):
            target = max(370, 300 + 1200 * i // (documents - 1))
            c = contracts.generate(random.Random(f"samples-{i}"), target - 10,
                                   lambda text: len(tokenizer.plain(text)))
            name = f"contract-{i + 1:03}.txt"
            with open(os.path.join(texts, name), "w", encoding="utf-8") as out:
                out.write(c.text + "\n")
            f.write(json.dumps({"doc_id": name, "fields": c.facts, "summary": c.summary()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
