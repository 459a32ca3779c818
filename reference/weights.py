"""Small model files for internal/weights, written by the reference implementations.

    python reference/weights.py

writes internal/weights/testdata/: GGUF files by the package gguf, safetensors
files by the package safetensors, and expected.json with what those packages
read back from them.
"""

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np
import safetensors
import torch
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent / "internal/weights/testdata"
RNG = np.random.default_rng(20)


def value(v):
    """A metadata value as text that keeps every bit."""
    if isinstance(v, list):
        return [value(x) for x in v]
    if isinstance(v, bool):
        return str(v).lower()
    if isinstance(v, float):
        return v.hex()
    return str(v)


def read_gguf(path):
    r = gguf.GGUFReader(path)
    meta, tensors = {}, {}
    for f in r.fields.values():
        if f.name.startswith("GGUF."):
            continue
        meta[f.name] = {"kinds": [t.name.lower() for t in f.types[:2]], "value": value(f.contents())}
    for t in r.tensors:
        tensors[t.name] = {
            "dtype": t.tensor_type.name,
            "shape": [int(d) for d in reversed(t.shape)],
            "sha256": hashlib.sha256(t.data.tobytes()).hexdigest(),
        }
    return {"metadata": meta, "tensors": tensors}


def add_metadata(w):
    w.add_uint8("test.uint8", 200)
    w.add_int8("test.int8", -100)
    w.add_uint16("test.uint16", 60000)
    w.add_int16("test.int16", -30000)
    w.add_uint32("test.uint32", 4000000000)
    w.add_int32("test.int32", -2000000000)
    w.add_uint64("test.uint64", 2**64 - 1)
    w.add_int64("test.int64", -(2**63))
    w.add_float32("test.float32", 0.1)
    w.add_float64("test.float64", 0.1)
    w.add_bool("test.bool", True)
    w.add_string("test.string", "grüß Gott, 世界 \U0001f600")
    w.add_array("test.strings", ["<s>", "", "Ġhello", "\n"])
    w.add_array("test.ints", [1, -2, 3])
    w.add_array("test.floats", [0.5, -1.25, 0.1])
    w.add_array("test.bools", [True, False, True])


def write_gguf():
    w = gguf.GGUFWriter(OUT / "tiny.gguf", "test")
    add_metadata(w)
    w.add_tensor("f32.vector", RNG.standard_normal(5).astype(np.float32))
    w.add_tensor("f32.matrix", RNG.standard_normal((3, 2)).astype(np.float32))
    w.add_tensor("f16.cube", RNG.standard_normal((2, 3, 4)).astype(np.float16))
    w.add_tensor("i32.vector", np.arange(4, dtype=np.int32))
    q = gguf.GGMLQuantizationType
    for t in (q.BF16, q.Q4_0, q.Q4_1, q.Q5_0, q.Q5_1, q.Q8_0):
        rows = gguf.quants.quantize(RNG.standard_normal((2, 64)).astype(np.float32), t)
        w.add_tensor(f"{t.name}.rows", rows, raw_dtype=t)
    for t in (q.Q4_K, q.Q5_K, q.Q6_K, q.IQ4_XS):
        n = gguf.GGML_QUANT_SIZES[t][1]
        w.add_tensor(f"{t.name}.rows", RNG.integers(0, 256, (2, n), dtype=np.uint8), raw_dtype=t)
    finish(w)

    w = gguf.GGUFWriter(OUT / "aligned.gguf", "test")
    w.add_custom_alignment(128)
    w.add_tensor("a", np.arange(3, dtype=np.float32))
    w.add_tensor("b", np.arange(4, dtype=np.float32))
    finish(w)

    w = gguf.GGUFWriter(OUT / "vocabulary.gguf", "test")
    w.add_token_list(["a", "b"])
    finish(w)

    w = gguf.GGUFWriter(OUT / "split.gguf", "test", split_max_tensors=2)
    for i in range(5):
        w.add_tensor(f"t{i}", np.full((2, 3), i, dtype=np.float32))
    finish(w)


def finish(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_safetensors():
    g = torch.Generator().manual_seed(21)
    tiny = {
        "b.f32": torch.randn(2, 3, generator=g),
        "a.f32": torch.randn(4, generator=g),
        "scalar": torch.tensor(1.5),
        "empty": torch.zeros(0, 3),
        "half": torch.randn(3, 2, generator=g).half(),
        "brain": torch.randn(3, generator=g).bfloat16(),
        "ids": torch.arange(3),
        "mask": torch.tensor([True, False]),
        'quote" <&> é': torch.zeros(1),
    }
    save_file(tiny, OUT / "tiny.safetensors", metadata={"format": "pt"})
    folder = OUT / "sharded"
    folder.mkdir()
    parts = [{"x": torch.ones(2), "y": torch.zeros(3)}, {"z": torch.full((2, 2), 3.0)}]
    index = {}
    for i, part in enumerate(parts):
        name = f"model-{i+1:05d}-of-{len(parts):05d}.safetensors"
        save_file(part, folder / name, metadata={"format": "pt"})
        index |= {k: name for k in part}
    total = sum(t.numel() * 4 for part in parts for t in part.values())
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": index}, indent=2) + "\n"
    )


def read_safetensors(path):
    header = {}
    raw = path.read_bytes()
    n = int.from_bytes(raw[:8], "little")
    dtypes = {k: v["dtype"] for k, v in json.loads(raw[8 : 8 + n]).items() if k != "__metadata__"}
    with safetensors.safe_open(path, "pt") as f:
        for name in f.keys():
            t = f.get_tensor(name)
            data = t.contiguous().view(torch.uint8).numpy() if t.numel() and t.dim() else t.numpy()
            header[name] = {
                "dtype": dtypes[name],
                "shape": list(t.shape),
                "sha256": hashlib.sha256(data.tobytes()).hexdigest(),
            }
        return {"metadata": f.metadata(), "tensors": header}


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(OUT / "sharded", ignore_errors=True)
    write_gguf()
    write_safetensors()
    for p in OUT.rglob("*.safetensors"):
        p.chmod(0o644)
    expected = {
        "script": "reference/weights.py",
        "versions": {"gguf": version("gguf"), "safetensors": safetensors.__version__, "torch": torch.__version__},
        "quant_sizes": {t.name: [int(t), *s] for t, s in gguf.GGML_QUANT_SIZES.items()},
        "gguf": {p.name: read_gguf(p) for p in sorted(OUT.glob("*.gguf"))},
        "safetensors": {
            str(p.relative_to(OUT)): read_safetensors(p) for p in sorted(OUT.rglob("*.safetensors"))
        },
    }
    (OUT / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")


main()
