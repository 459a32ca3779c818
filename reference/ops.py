"""Golden numbers for the float operations of internal/kernel, by PyTorch and transformers.

    python reference/ops.py

writes internal/kernel/testdata/ops.safetensors. All but the rotation, whose angles
are defined in float32, is computed in float64 and rounded once.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import save_file
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

OUT = Path(__file__).parent.parent / "internal/kernel/testdata/ops.safetensors"


def main():
    g = torch.Generator().manual_seed(30)

    def randn(*shape):
        return torch.randn(*shape, generator=g)

    t = {}
    x = t["norm.x"] = randn(3, 48) * 3 + 1
    w, b = randn(48), randn(48)
    t["norm.w"], t["norm.b"] = w, b
    x, w, b = x.double(), w.double(), b.double()
    t["rms.y"] = F.rms_norm(x, (48,), w, 1e-5).float()
    t["rms.grouped"] = F.rms_norm(x.view(9, 16), (16,), w[:16], 1e-6).view(3, 48).float()
    t["layer.y"] = F.layer_norm(x, (48,), w, b, 1e-12).float()
    t["layer.nobias"] = F.layer_norm(x, (48,), w, None, 1e-5).float()

    config = transformers.LlamaConfig(hidden_size=64, num_attention_heads=4, head_dim=16, rope_theta=10000.0)
    rope = LlamaRotaryEmbedding(config)
    pos = torch.tensor([0, 1, 2, 63, 64, 1000, 8191])
    q = randn(1, 4, len(pos), 16)
    cos, sin = rope(q, pos[None])
    y, _ = apply_rotary_pos_emb(q, q, cos, sin)
    t["rope.freq"] = rope.inv_freq
    t["rope.pos"] = pos.float()
    t["rope.x"] = q[0].transpose(0, 1).reshape(len(pos), 64)
    t["rope.y"] = y[0].transpose(0, 1).reshape(len(pos), 64)

    x = t["act.x"] = torch.cat([torch.linspace(-20, 20, 801), randn(200), randn(50) * 1e-3])
    up = t["act.up"] = randn(len(x))
    d = x.double()
    t["act.silu"] = F.silu(d).float()
    t["act.gelu"] = F.gelu(d).float()
    t["act.gelu_tanh"] = F.gelu(d, approximate="tanh").float()
    t["act.tanh"] = torch.tanh(d).float()
    t["act.silu_up"] = (F.silu(d) * up.double()).float()
    t["cap.y"] = (30 * torch.tanh(d * 2.5 / 30)).float()

    x = t["row.x"] = randn(1003) * 5
    t["row.softmax"] = torch.softmax(x.double(), 0).float()
    t["row.logsumexp"] = torch.logsumexp(x.double(), 0).float()[None]
    t["row.argmax"] = x.argmax().float()[None]

    versions = {"script": "reference/ops.py", "torch": torch.__version__, "transformers": transformers.__version__}
    save_file({k: v.contiguous() for k, v in t.items()}, OUT, metadata=versions)
    OUT.chmod(0o644)


main()
