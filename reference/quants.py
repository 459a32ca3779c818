"""Writes internal/kernel/testdata/quants.safetensors: blocks of every storage format
as the gguf package encodes and decodes them.

    python reference/quants.py        # needs gguf, numpy, safetensors

x          [8, 256] f32   numbers to encode
NAME.bytes [8, n]   u8    x encoded; for the K formats, which the package only
                          decodes, random bits with scales that are finite
NAME.y     [8, 256] f32   NAME.bytes decoded
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize, quantize
from safetensors.numpy import save_file

rng = np.random.default_rng(7)


def numbers() -> np.ndarray:
    x = rng.standard_normal((8, 256)).astype(np.float32)
    x[1] *= np.float32(1e-6)  # scales that are subnormal in half precision
    x[2] *= np.float32(300)
    x[3, :64] = 0  # scale 0
    x[3, 64:128] = np.float32(-0.75)  # one value only
    x[3, 128:192] = np.arange(-32, 32, dtype=np.float32) / 4  # many ties
    x[3, 192:] = np.repeat(np.float32([5, -5]), 32)  # equal magnitudes
    x[4] = np.abs(x[4]) + 1  # all positive
    x[5] = rng.standard_cauchy(256).astype(np.float32)  # outliers
    return x


def bits(t: T, halves: list[int]) -> np.ndarray:
    """Random blocks; the half-precision scales at these offsets are finite."""
    _, size = GGML_QUANT_SIZES[t]
    b = rng.integers(0, 256, (8, size), dtype=np.uint8)
    for at in halves:
        b[:, at : at + 2] = rng.standard_normal((8, 1)).astype(np.float16).view(np.uint8)
    return b


x = numbers()
out = {"x": x}
for t in (T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0):
    out[t.name + ".bytes"] = quantize(x, t).view(np.uint8).reshape(8, -1)
for t, halves in ((T.Q4_K, [0, 2]), (T.Q5_K, [0, 2]), (T.Q6_K, [208])):
    out[t.name + ".bytes"] = bits(t, halves)
for name in [n for n in out if n != "x"]:
    out[name.replace(".bytes", ".y")] = dequantize(out[name], T[name.split(".")[0]]).astype(np.float32)

target = Path(__file__).parents[1] / "internal/kernel/testdata/quants.safetensors"
# One entry only: their order is not kept, and the file should come out the same.
made = " ".join(["reference/quants.py"] + [f"{p}-{version(p)}" for p in ("gguf", "numpy")])
save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, target, {"made by": made})
print(target, target.stat().st_size, "bytes")
