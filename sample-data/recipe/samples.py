"""Writes the sample contracts, their expected answers and the schema.

    python3 samples.py ..          (the folder that holds contracts/, long/ and model/)
"""

import json
import os
import random
import sys

import contracts
from tokenizer import Tokenizer

LONG = [10000, 10000, 10000, 100000]    # tokens


def write(folder, name, contract, expected):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        out.write(contract.text + "\n")
    expected.write(json.dumps({"doc_id": name, "fields": contract.facts, "summary": contract.summary()}) + "\n")


def main(folder, documents=24):
    tokenizer = Tokenizer.load(os.path.join(folder, "model", "tokenizer.json"))
    count = lambda text: len(tokenizer.plain(text))
    texts, long = os.path.join(folder, "contracts"), os.path.join(folder, "long")
    os.makedirs(texts, exist_ok=True)
    os.makedirs(long, exist_ok=True)
    with open(os.path.join(folder, "contracts.schema.json"), "w", encoding="utf-8") as f:
        json.dump(contracts.SCHEMA, f, indent=2)
        f.write("\n")
    with open(os.path.join(folder, "contracts.expected.jsonl"), "w", encoding="utf-8") as f:
        for i in range(documents):
            target = max(370, 300 + 1200 * i // (documents - 1))
            c = contracts.generate(random.Random(f"samples-{i}"), target - 10, count)
            write(texts, f"contract-{i + 1:03}.txt", c, f)
    with open(os.path.join(folder, "long.expected.jsonl"), "w", encoding="utf-8") as f:
        for i, target in enumerate(LONG):
            c = contracts.generate(random.Random(f"long-{i}"), target, count)
            write(long, f"contract-{target // 1000:03}k-{i + 1}.txt", c, f)


if __name__ == "__main__":
    main(sys.argv[1])
