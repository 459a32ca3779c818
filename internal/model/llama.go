package model

// Llama 2, 3, 3.1 to 3.3, and what shares their form: SmolLM2, TinyLlama, and
// Mistral in GGUF files.
func init() {
	register(architecture{
		name: "llama",
		defaults: `{"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
			"num_attention_heads": 32, "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
			"tie_word_embeddings": false, "rope_theta": 10000}`,
		gguf: func(c *Config, g *ggufConfig) error {
			// The converter works Llama 3.1's scaling out (LlamaModel.generate_extra_tensors).
			c.Rope.Divisors = g.factors("rope_freqs.weight", c.Rope.Dims/2)
			c.setWindows(g.intOr("attention.sliding_window", 0), func(int) bool { return true })
			return nil
		},
		names: llamaNames,
		build: buildLlama,
	})
}

var llamaNames = map[string]string{
	"token_embd":        "model.embed_tokens",
	"blk.N.attn_norm":   "model.layers.N.input_layernorm",
	"blk.N.attn_q":      "model.layers.N.self_attn.q_proj",
	"blk.N.attn_k":      "model.layers.N.self_attn.k_proj",
	"blk.N.attn_v":      "model.layers.N.self_attn.v_proj",
	"blk.N.attn_output": "model.layers.N.self_attn.o_proj",
	"blk.N.ffn_norm":    "model.layers.N.post_attention_layernorm",
	"blk.N.ffn_gate":    "model.layers.N.mlp.gate_proj",
	"blk.N.ffn_up":      "model.layers.N.mlp.up_proj",
	"blk.N.ffn_down":    "model.layers.N.mlp.down_proj",
	"output_norm":       "model.norm",
	"output":            "lm_head",
}

type llama struct {
	embed  *Linear
	layers []LayerFunc
}

type llamaLayer struct {
	attnNorm, ffnNorm *Norm
	qkv               [3]*Linear
	o                 *Linear
	gateUp            [2]*Linear
	down              *Linear
	act               Activation
	rope              *Rope
	attn              Attention
}

func buildLlama(l *loader) network {
	l.ignore("rope_freqs.weight")
	m := &llama{embed: l.linear("model.embed_tokens", l.Vocab, l.Width)}
	rope := l.Rope.rope(l.HeadDim)
	for i := range l.Layers {
		p := layerName(i)
		y := &llamaLayer{
			attnNorm: l.norm(p+"input_layernorm", l.Width),
			qkv: [3]*Linear{
				l.rotated(p+"self_attn.q_proj", l.Heads, l.Width),
				l.rotated(p+"self_attn.k_proj", l.KVHeads, l.Width),
				l.linear(p+"self_attn.v_proj", l.KVHeads*l.HeadDim, l.Width),
			},
			o:       l.linear(p+"self_attn.o_proj", l.Width, l.Heads*l.HeadDim),
			ffnNorm: l.norm(p+"post_attention_layernorm", l.Width),
			gateUp:  l.gateUp(p),
			down:    l.linear(p+"mlp.down_proj", l.Width, l.FFN),
			act:     l.Act,
			rope:    rope,
			attn:    l.attention(i),
		}
		m.layers = append(m.layers, y.forward)
	}
	return network{trunk: m.trunk, norm: l.norm("model.norm", l.Width), head: l.lmHead(m.embed)}
}

func (m *llama) trunk(o Ops, b *Batch) Value {
	x := o.Embed(m.embed, b.IDs, 1)
	for _, layer := range m.layers {
		x = o.Layer(layer, x)
	}
	return x
}

func (y *llamaLayer) forward(o Ops, b *Batch, x Value) Value {
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
