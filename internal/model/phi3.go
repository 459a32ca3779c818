package model

import "math"

// Phi-3, Phi-3.5 and Phi-4 mini: q, k, v in one module and gate, up in another;
// a rope over part of each head, with a second set of frequencies for sequences
// that will outgrow the original context.
func init() {
	register(architecture{
		name: "phi3",
		defaults: `{"vocab_size": 32064, "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 32,
			"num_attention_heads": 32, "hidden_act": "silu", "max_position_embeddings": 4096,
			"original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "tie_word_embeddings": false, "rope_theta": 10000}`,
		gguf: ggufPhi3,
		names: map[string]string{
			"token_embd":        "model.embed_tokens",
			"blk.N.attn_norm":   "model.layers.N.input_layernorm",
			"blk.N.attn_qkv":    "model.layers.N.self_attn.qkv_proj",
			"blk.N.attn_output": "model.layers.N.self_attn.o_proj",
			"blk.N.ffn_norm":    "model.layers.N.post_attention_layernorm",
			"blk.N.ffn_up":      "model.layers.N.mlp.gate_up_proj",
			"blk.N.ffn_down":    "model.layers.N.mlp.down_proj",
			"output_norm":       "model.norm",
			"output":            "lm_head",
		},
		build: buildPhi3,
	})
}

const (
	phi3Long  = "rope_factors_long.weight"
	phi3Short = "rope_factors_short.weight"
)

func ggufPhi3(c *Config, g *ggufConfig) error {
	c.setWindows(g.intOr("attention.sliding_window", 0), func(int) bool { return true })
	r := &c.Rope
	r.Short, r.Long = g.factors(phi3Short, r.Dims/2), g.factors(phi3Long, r.Dims/2)
	if r.Short == nil && r.Long == nil {
		return nil
	}
	r.Scaling = "longrope"
	factor := float64(c.Context) / math.Max(1, float64(r.OriginalContext))
	r.AttentionFactor = g.floatOr("rope.scaling.attn_factor", longropeFactor(factor, r.OriginalContext))
	return nil
}

type phi3Layer struct {
	attnNorm, ffnNorm *Norm
	qkv               [3]*Linear
	o                 *Linear
	gateUp            [2]*Linear
	down              *Linear
	act               Activation
	rope              *Rope
	attn              Attention
}

func buildPhi3(l *loader) network {
	l.ignore(phi3Long, phi3Short)
	m := &llama{embed: l.linear("model.embed_tokens", l.Vocab, l.Width)}
	rope := l.Rope.rope(l.HeadDim)
	for i := range l.Layers {
		p := layerName(i)
		qkv, q, kv := p+"self_attn.qkv_proj", l.Heads*l.HeadDim, l.KVHeads*l.HeadDim
		y := &phi3Layer{
			attnNorm: l.norm(p+"input_layernorm", l.Width),
			qkv: [3]*Linear{
				l.part(qkv, "q", 0, q, q+2*kv, l.Width),
				l.part(qkv, "k", q, kv, q+2*kv, l.Width),
				l.part(qkv, "v", q+kv, kv, q+2*kv, l.Width),
			},
			o:       l.linear(p+"self_attn.o_proj", l.Width, q),
			ffnNorm: l.norm(p+"post_attention_layernorm", l.Width),
			gateUp: [2]*Linear{
				l.part(p+"mlp.gate_up_proj", "gate", 0, l.FFN, 2*l.FFN, l.Width),
				l.part(p+"mlp.gate_up_proj", "up", l.FFN, l.FFN, 2*l.FFN, l.Width),
			},
			down: l.linear(p+"mlp.down_proj", l.Width, l.FFN),
			act:  l.Act,
			rope: rope,
			attn: l.attention(i),
		}
		m.layers = append(m.layers, y.forward)
	}
	return network{trunk: m.trunk, norm: l.norm("model.norm", l.Width), head: l.lmHead(m.embed)}
}

func (y *phi3Layer) forward(o Ops, b *Batch, x Value) Value {
	h := o.Norm(x, y.attnNorm)
	qkv := o.Linears(h, y.qkv[:])
	q, k, v := o.Rope(qkv[0], y.rope), o.Rope(qkv[1], y.rope), qkv[2]
	if x, h = y.attn.wanted(o, b, x, o.Attend(q, k, v, &y.attn)); x.Rows == 0 {
		return x
	}
	x = o.Residual(x, o.Linear(h, y.o))

	h = o.Norm(x, y.ffnNorm)
	h = o.Gated(h, &y.gateUp, y.act)
	return o.Residual(x, o.Linear(h, y.down))
}
