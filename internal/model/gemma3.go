package model

import "strings"

// Gemma 3: Gemma 2 with norms on the heads of q and k instead of soft caps, and
// five layers with a window, under a rope of their own, to one without. Of models
// that also see images the text part is read.
func init() {
	register(architecture{
		name:  "gemma3",
		types: []string{"gemma3_text"},
		defaults: `{"vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
			"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "hidden_activation": "gelu_pytorch_tanh",
			"max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "tie_word_embeddings": true,
			"rope_theta": 1000000, "rope_local_base_freq": 10000, "query_pre_attn_scalar": 256,
			"sliding_window": 4096, "sliding_window_pattern": 6}`,
		hf: func(c *Config, j *hfConfig) error {
			gemmaScales(c)
			c.QueryScale = inverseRoot(j.QueryScalar)
			c.LogitCap = value(j.LogitCap)
			return nil
		},
		gguf: func(c *Config, g *ggufConfig) error {
			gemmaScales(c)
			if c.Layers == 62 && !g.has("attention.scale") { // 27B, as llama.cpp tells it apart
				c.QueryScale = inverseRoot(float64(c.Width / c.Heads))
			}
			c.setWindows(g.int("attention.sliding_window"), func(i int) bool { return (i+1)%6 != 0 })
			c.RopeLocal = RopeConfig{Theta: g.floatOr("rope.freq_base_swa", 10000), Dims: c.Rope.Dims}
			return nil
		},
		names:  gemmaNames,
		rename: renameGemma3,
		build:  buildGemma3,
	})
}

// renameGemma3 finds the text part of a model that also sees images.
func renameGemma3(name string) string {
	for _, part := range []string{"vision_tower.", "multi_modal_projector."} {
		if strings.HasPrefix(name, part) || strings.HasPrefix(name, "model."+part) {
			return ""
		}
	}
	if rest, ok := strings.CutPrefix(name, "model.language_model."); ok {
		return "model." + rest
	}
	return strings.TrimPrefix(name, "language_model.")
}

type gemma3Layer struct {
	attnNorm, postAttnNorm, ffnNorm, postFFNNorm *Norm

	qkv          [3]*Linear
	o            *Linear
	qNorm, kNorm *Norm // [K]
	gateUp       [2]*Linear
	down         *Linear
	act          Activation
	rope         *Rope
	attn         Attention
}

func buildGemma3(l *loader) network {
	m := &gemma{embed: l.linear("model.embed_tokens", l.Vocab, l.Width), scale: l.EmbedScale}
	global, local := l.Rope.rope(l.HeadDim), l.RopeLocal.rope(l.HeadDim)
	for i := range l.Layers {
		p := layerName(i)
		y := &gemma3Layer{
			attnNorm:     l.gemmaNorm(p+"input_layernorm", l.Width),
			qkv:          l.qkv(p, l.linear),
			o:            l.linear(p+"self_attn.o_proj", l.Width, l.Heads*l.HeadDim),
			qNorm:        l.gemmaNorm(p+"self_attn.q_norm", l.HeadDim),
			kNorm:        l.gemmaNorm(p+"self_attn.k_norm", l.HeadDim),
			postAttnNorm: l.gemmaNorm(p+"post_attention_layernorm", l.Width),
			ffnNorm:      l.gemmaNorm(p+"pre_feedforward_layernorm", l.Width),
			gateUp:       l.gateUp(p),
			down:         l.linear(p+"mlp.down_proj", l.Width, l.FFN),
			postFFNNorm:  l.gemmaNorm(p+"post_feedforward_layernorm", l.Width),
			act:          l.Act,
			rope:         global,
			attn:         l.attention(i),
		}
		if y.attn.Window > 0 {
			y.rope = local
		}
		m.layers = append(m.layers, y.forward)
	}
	return network{trunk: m.trunk, norm: l.gemmaNorm("model.norm", l.Width), head: l.lmHead(m.embed), logitCap: l.LogitCap}
}

func (y *gemma3Layer) forward(o Ops, b *Batch, x Value) Value {
	h := o.Norm(x, y.attnNorm)
	qkv := o.Linears(h, y.qkv[:])
	q := o.Rope(o.Norm(qkv[0], y.qNorm), y.rope)
	k := o.Rope(o.Norm(qkv[1], y.kNorm), y.rope)
	v := qkv[2]
	if x, h = y.attn.wanted(o, b, x, o.Attend(q, k, v, &y.attn)); x.Rows == 0 {
		return x
	}
	x = o.Residual(x, o.Norm(o.Linear(h, y.o), y.postAttnNorm))

	h = o.Norm(x, y.ffnNorm)
	h = o.Gated(h, &y.gateUp, y.act)
	return o.Residual(x, o.Norm(o.Linear(h, y.down), y.postFFNNorm))
}
