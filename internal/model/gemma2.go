package model

import "math"

// Gemma 2: embeddings scaled by sqrt(D), norms before and after each half of a
// layer, soft caps on attention and logits, a window in every other layer.
func init() {
	register(architecture{
		name: "gemma2",
		defaults: `{"vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
			"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "hidden_activation": "gelu_pytorch_tanh",
			"max_position_embeddings": 8192, "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "rope_theta": 10000,
			"query_pre_attn_scalar": 256, "sliding_window": 4096, "sliding_window_pattern": 2,
			"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}`,
		hf: func(c *Config, j *hfConfig) error {
			gemmaScales(c)
			c.QueryScale = inverseRoot(j.QueryScalar)
			c.AttnCap, c.LogitCap = value(j.AttnCap), value(j.LogitCap)
			return nil
		},
		gguf: func(c *Config, g *ggufConfig) error {
			gemmaScales(c)
			if c.Layers == 46 && !g.has("attention.scale") { // 27B, as llama.cpp tells it apart
				c.QueryScale = inverseRoot(float64(c.Width / c.Heads))
			}
			c.setWindows(g.intOr("attention.sliding_window", 4096), func(i int) bool { return i%2 == 0 })
			return nil
		},
		names: gemmaNames,
		build: buildGemma2,
	})
}

var gemmaNames = map[string]string{
	"token_embd":                "model.embed_tokens",
	"blk.N.attn_norm":           "model.layers.N.input_layernorm",
	"blk.N.attn_q":              "model.layers.N.self_attn.q_proj",
	"blk.N.attn_k":              "model.layers.N.self_attn.k_proj",
	"blk.N.attn_v":              "model.layers.N.self_attn.v_proj",
	"blk.N.attn_q_norm":         "model.layers.N.self_attn.q_norm",
	"blk.N.attn_k_norm":         "model.layers.N.self_attn.k_norm",
	"blk.N.attn_output":         "model.layers.N.self_attn.o_proj",
	"blk.N.post_attention_norm": "model.layers.N.post_attention_layernorm",
	"blk.N.ffn_norm":            "model.layers.N.pre_feedforward_layernorm",
	"blk.N.ffn_gate":            "model.layers.N.mlp.gate_proj",
	"blk.N.ffn_up":              "model.layers.N.mlp.up_proj",
	"blk.N.ffn_down":            "model.layers.N.mlp.down_proj",
	"blk.N.post_ffw_norm":       "model.layers.N.post_feedforward_layernorm",
	"output_norm":               "model.norm",
	"output":                    "lm_head",
}

// gemmaScales is what all Gemma models have and no file says.
func gemmaScales(c *Config) {
	c.EmbedScale = float32(math.Sqrt(float64(c.Width)))
	c.Act = GELUTanh
}

// value is *f, 0 when there is none.
func value(f *float64) float32 {
	if f == nil {
		return 0
	}
	return float32(*f)
}

// gemma is the trunk of Gemma 2 and 3.
type gemma struct {
	embed  *Linear
	scale  float32
	layers []LayerFunc
}

func (m *gemma) trunk(o Ops, b *Batch) Value {
	x := o.Embed(m.embed, b.IDs, m.scale)
	for _, layer := range m.layers {
		x = o.Layer(layer, x)
	}
	return x
}

type gemma2Layer struct {
	attnNorm, postAttnNorm, ffnNorm, postFFNNorm *Norm

	qkv    [3]*Linear
	o      *Linear
	gateUp [2]*Linear
	down   *Linear
	act    Activation
	rope   *Rope
	attn   Attention
}

func buildGemma2(l *loader) network {
	m := &gemma{embed: l.linear("model.embed_tokens", l.Vocab, l.Width), scale: l.EmbedScale}
	rope := l.Rope.rope(l.HeadDim)
	for i := range l.Layers {
		p := layerName(i)
		y := &gemma2Layer{
			attnNorm:     l.gemmaNorm(p+"input_layernorm", l.Width),
			qkv:          l.qkv(p, l.linear),
			o:            l.linear(p+"self_attn.o_proj", l.Width, l.Heads*l.HeadDim),
			postAttnNorm: l.gemmaNorm(p+"post_attention_layernorm", l.Width),
			ffnNorm:      l.gemmaNorm(p+"pre_feedforward_layernorm", l.Width),
			gateUp:       l.gateUp(p),
			down:         l.linear(p+"mlp.down_proj", l.Width, l.FFN),
			postFFNNorm:  l.gemmaNorm(p+"post_feedforward_layernorm", l.Width),
			act:          l.Act,
			rope:         rope,
			attn:         l.attention(i),
		}
		m.layers = append(m.layers, y.forward)
	}
	return network{trunk: m.trunk, norm: l.gemmaNorm("model.norm", l.Width), head: l.lmHead(m.embed), logitCap: l.LogitCap}
}

func (y *gemma2Layer) forward(o Ops, b *Batch, x Value) Value {
	h := o.Norm(x, y.attnNorm)
	qkv := o.Linears(h, y.qkv[:])
	q, k, v := o.Rope(qkv[0], y.rope), o.Rope(qkv[1], y.rope), qkv[2]
	if x, h = y.attn.wanted(o, b, x, o.Attend(q, k, v, &y.attn)); x.Rows == 0 {
		return x
	}
	x = o.Residual(x, o.Norm(o.Linear(h, y.o), y.postAttnNorm))

	h = o.Norm(x, y.ffnNorm)
	h = o.Gated(h, &y.gateUp, y.act)
	return o.Residual(x, o.Norm(o.Linear(h, y.down), y.postFFNNorm))
}
