"""Golden numbers for attention in internal/kernel, by PyTorch.

    python reference/attention.py

writes internal/kernel/testdata/attention.safetensors: q, k, v in float32, and
scaled_dot_product_attention of them in float64, rounded once. The soft cap is
that of Gemma 2, which has no such function in PyTorch and is written out.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

OUT = Path(__file__).parent.parent / "internal/kernel/testdata/attention.safetensors"
T, HEADS, KV_HEADS, DIM = 150, 4, 2, 16


def main():
    g = torch.Generator().manual_seed(40)
    q = torch.randn(HEADS, T, DIM, generator=g)
    k = torch.randn(KV_HEADS, T, DIM, generator=g)
    v = torch.randn(KV_HEADS, T, DIM, generator=g)
    rows = {n: x.transpose(0, 1).reshape(T, -1).contiguous() for n, x in {"q": q, "k": k, "v": v}.items()}
    q, k, v = q.double(), k.double(), v.double()
    i, j = torch.arange(T)[:, None], torch.arange(T)[None]
    causal = j <= i

    def sdpa(mask, scale):
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v, mask, scale=scale, enable_gqa=True)
        return y.transpose(0, 1).reshape(T, -1).float().contiguous()

    kk, vv = (x.repeat_interleave(HEADS // KV_HEADS, 0) for x in (k, v))
    s = 3 * torch.tanh(q @ kk.transpose(1, 2) * 0.25 / 3)
    capped = torch.softmax(s.masked_fill(~causal, -torch.inf), -1) @ vv
    save_file(
        rows
        | {
            "causal": sdpa(causal, 0.25),
            "window": sdpa(causal & (i - j < 20), 0.25),
            "full": sdpa(None, 0.3),
            "capped": capped.transpose(0, 1).reshape(T, -1).float().contiguous(),
        },
        OUT,
        metadata={"script": "reference/attention.py", "torch": torch.__version__},
    )
    OUT.chmod(0o644)


main()
