package model

import "maps"

// Qwen 3: norms on each head of q and k, heads wider than width/heads, no biases.
func init() {
	names := map[string]string{
		"blk.N.attn_q_norm": "model.layers.N.self_attn.q_norm",
		"blk.N.attn_k_norm": "model.layers.N.self_attn.k_norm",
	}
	maps.Copy(names, llamaNames)
	register(architecture{
		name: "qwen3",
		defaults: `{"vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32,
			"num_attention_heads": 32, "num_key_value_heads": 32, "head_dim": 128, "hidden_act": "silu",
			"max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "tie_word_embeddings": false, "rope_theta": 10000,
			"use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28}`,
		names: names,
		build: buildQwen3,
	})
}

type qwen3Layer struct {
	attnNorm, ffnNorm *Norm
	qkv               [3]*Linear
	o                 *Linear
	qNorm, kNorm      *Norm // [K]
	gateUp            [2]*Linear
	down              *Linear
	act               Activation
	rope              *Rope
	attn              Attention
}

func buildQwen3(l *loader) network {
	m := &llama{embed: l.linear("model.embed_tokens", l.Vocab, l.Width)}
	rope := l.Rope.rope(l.HeadDim)
	for i := range l.Layers {
		p := layerName(i)
		y := &qwen3Layer{
			attnNorm: l.norm(p+"input_layernorm", l.Width),
			qkv:      l.qkv(p, l.linear),
			o:        l.linear(p+"self_attn.o_proj", l.Width, l.Heads*l.HeadDim),
			qNorm:    l.norm(p+"self_attn.q_norm", l.HeadDim),
			kNorm:    l.norm(p+"self_attn.k_norm", l.HeadDim),
			ffnNorm:  l.norm(p+"post_attention_layernorm", l.Width),
			gateUp:   l.gateUp(p),
			down:     l.linear(p+"mlp.down_proj", l.Width, l.FFN),
			act:      l.Act,
			rope:     rope,
			attn:     l.attention(i),
		}
		m.layers = append(m.layers, y.forward)
	}
	return network{trunk: m.trunk, norm: l.norm("model.norm", l.Width), head: l.lmHead(m.embed)}
}

func (y *qwen3Layer) forward(o Ops, b *Batch, x Value) Value {
	h := o.Norm(x, y.attnNorm)
	qkv := o.Linears(h, y.qkv[:])
	q := o.Rope(o.Norm(qkv[0], y.qNorm), y.rope)
	k := o.Rope(o.Norm(qkv[1], y.kNorm), y.rope)
	v := qkv[2]
	if x, h = y.attn.wanted(o, b, x, o.Attend(q, k, v, &y.attn)); x.Rows == 0 {
		return x
	}
	x = o.Residual(x, o.Linear(h, y.o))

	h = o.Norm(x, y.ffnNorm)
	h = o.Gated(h, &y.gateUp, y.act)
	return o.Residual(x, o.Linear(h, y.down))
}
