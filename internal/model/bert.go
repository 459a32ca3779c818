package model

import (
	"fmt"
	"strings"
)

// BERT: an encoder. Learned positions and token types, layer norms after each
// half of a layer, every token sees all others; no logits.
func init() {
	register(architecture{
		name: "bert",
		defaults: `{"vocab_size": 30522, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
			"num_attention_heads": 12, "hidden_act": "gelu", "max_position_embeddings": 512, "type_vocab_size": 2,
			"layer_norm_eps": 1e-12, "position_embedding_type": "absolute"}`,
		hf: func(c *Config, j *hfConfig) error {
			c.Encoder, c.Pooling = true, "mean"
			if j.IsDecoder || j.PositionType != "absolute" {
				return fmt.Errorf("BERT as a decoder, or with position_embedding_type %q, is not supported", j.PositionType)
			}
			return nil
		},
		gguf: func(c *Config, g *ggufConfig) error {
			c.Encoder, c.Act, c.Types = true, GELU, g.intOr("token_type_count", 2)
			if !g.has("pooling_type") {
				c.Pooling = "mean"
			}
			return nil
		},
		names: map[string]string{
			"token_embd":              "embeddings.word_embeddings",
			"position_embd":           "embeddings.position_embeddings",
			"token_types":             "embeddings.token_type_embeddings",
			"token_embd_norm":         "embeddings.LayerNorm",
			"blk.N.attn_q":            "encoder.layer.N.attention.self.query",
			"blk.N.attn_k":            "encoder.layer.N.attention.self.key",
			"blk.N.attn_v":            "encoder.layer.N.attention.self.value",
			"blk.N.attn_output":       "encoder.layer.N.attention.output.dense",
			"blk.N.attn_output_norm":  "encoder.layer.N.attention.output.LayerNorm",
			"blk.N.ffn_up":            "encoder.layer.N.intermediate.dense",
			"blk.N.ffn_down":          "encoder.layer.N.output.dense",
			"blk.N.layer_output_norm": "encoder.layer.N.output.LayerNorm",
		},
		rename: renameBert,
		build:  buildBert,
	})
}

// renameBert drops what only pre-training and classification use.
func renameBert(name string) string {
	name = strings.TrimPrefix(name, "bert.")
	for _, part := range []string{"pooler.", "cls.", "embeddings.position_ids"} {
		if strings.HasPrefix(name, part) {
			return ""
		}
	}
	return name
}

type bert struct {
	words, positions, types *Linear
	norm                    *Norm
	layers                  []LayerFunc
}

type bertLayer struct {
	qkv               [3]*Linear
	o                 *Linear
	attnNorm, ffnNorm *Norm
	up, down          *Linear
	act               Activation
	attn              Attention
}

func buildBert(l *loader) network {
	m := &bert{
		words:     l.linear("embeddings.word_embeddings", l.Vocab, l.Width),
		positions: l.linear("embeddings.position_embeddings", l.Context, l.Width),
		types:     l.linear("embeddings.token_type_embeddings", l.Types, l.Width),
		norm:      l.layerNorm("embeddings.LayerNorm", l.Width),
	}
	for i := range l.Layers {
		p := fmt.Sprintf("encoder.layer.%d.", i)
		y := &bertLayer{
			qkv: [3]*Linear{
				l.biased(p+"attention.self.query", l.Heads*l.HeadDim, l.Width),
				l.biased(p+"attention.self.key", l.Heads*l.HeadDim, l.Width),
				l.biased(p+"attention.self.value", l.Heads*l.HeadDim, l.Width),
			},
			o:        l.biased(p+"attention.output.dense", l.Width, l.Heads*l.HeadDim),
			attnNorm: l.layerNorm(p+"attention.output.LayerNorm", l.Width),
			up:       l.biased(p+"intermediate.dense", l.FFN, l.Width),
			down:     l.biased(p+"output.dense", l.Width, l.FFN),
			ffnNorm:  l.layerNorm(p+"output.LayerNorm", l.Width),
			act:      l.Act,
			attn:     l.attention(i),
		}
		m.layers = append(m.layers, y.forward)
	}
	return network{trunk: m.trunk}
}

var firstType = []int32{0}

func (m *bert) trunk(o Ops, b *Batch) Value {
	types := b.Types
	if types == nil {
		types = firstType // one row, added to all
	}
	x := o.Add(o.Embed(m.words, b.IDs, 1), o.Embed(m.types, types, 1))
	x = o.Add(x, o.Embed(m.positions, b.Positions(), 1))
	x = o.Norm(x, m.norm)
	layers := m.layers
	if b.Layers > 0 {
		layers = layers[:b.Layers]
	}
	for _, layer := range layers {
		x = o.Layer(layer, x)
	}
	return x
}

func (y *bertLayer) forward(o Ops, _ *Batch, x Value) Value {
	qkv := o.Linears(x, y.qkv[:])
	h := o.Linear(o.Attend(qkv[0], qkv[1], qkv[2], &y.attn), y.o)
	x = o.Norm(o.Add(x, h), y.attnNorm)

	h = o.GLU(o.Linear(x, y.up), Value{}, y.act)
	return o.Norm(o.Add(x, o.Linear(h, y.down)), y.ffnNorm)
}
