package adapters

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"graft/internal/model"
)

// hfConfig is the config.json of a model, as transformers writes it for its
// architecture. Keys that older and newer versions know differently (rope) have
// the older form, which both read.
func hfConfig(c *model.Config, modules map[string][]*model.Linear) (map[string]any, error) {
	class, ok := map[string]string{
		"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM",
		"phi3": "Phi3ForCausalLM", "gemma2": "Gemma2ForCausalLM", "gemma3": "Gemma3ForCausalLM",
	}[c.Arch]
	if !ok {
		return nil, fmt.Errorf("no config.json is known for architecture %s", c.Arch)
	}
	m := map[string]any{
		"architectures": []string{class}, "model_type": c.Arch,
		"vocab_size": c.Vocab, "hidden_size": c.Width, "intermediate_size": c.FFN, "num_hidden_layers": c.Layers,
		"num_attention_heads": c.Heads, "num_key_value_heads": c.KVHeads, "head_dim": c.HeadDim,
		"max_position_embeddings": c.Context, "rms_norm_eps": short32(c.Eps), "hidden_act": "silu",
		"tie_word_embeddings": c.Tied, "rope_theta": float(c.Rope.Theta), "initializer_range": 0.02, "use_cache": true,
		"attention_bias": biased(modules, "model.layers.0.self_attn.o_proj"), "attention_dropout": float(0),
	}
	switch c.Arch {
	case "llama":
		m["mlp_bias"] = biased(modules, "model.layers.0.mlp.up_proj")
	case "phi3":
		m["partial_rotary_factor"] = float(float64(c.Rope.Dims) / float64(c.HeadDim))
		m["original_max_position_embeddings"] = c.Rope.OriginalContext
		m["pad_token_id"] = nil // transformers' default lies beyond small vocabularies
	case "gemma2", "gemma3":
		if c.Arch == "gemma3" {
			m["model_type"] = "gemma3_text"
			m["rope_local_base_freq"] = float(c.RopeLocal.Theta)
		}
		m["hidden_activation"] = "gelu_pytorch_tanh"
		m["query_pre_attn_scalar"] = scalar(c.QueryScale)
		m["attn_logit_softcapping"], m["final_logit_softcapping"] = cap32(c.AttnCap), cap32(c.LogitCap)
	}
	windows(m, c)
	scaling, err := ropeScaling(c)
	if err != nil {
		return nil, err
	}
	if scaling != nil {
		m["rope_scaling"] = scaling
	}
	return m, nil
}

// float is a number that JSON shows to be no integer: transformers refuses 2 where
// it wants 2.0.
type float float64

// MarshalJSON writes the shortest number that rounds to f.
func (f float) MarshalJSON() ([]byte, error) {
	s := strconv.FormatFloat(float64(f), 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return []byte(s), nil
}

// short32 is a float32 as the shortest number that rounds to it: 1e-05, not
// 9.999999747378752e-06.
func short32(f float32) float {
	v, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	if err != nil {
		panic(err) // what strconv wrote
	}
	return float(v)
}

// scalar is query_pre_attn_scalar, whose root the scale is 1 over.
func scalar(scale float32) any {
	v := 1 / (float64(scale) * float64(scale))
	if r := math.Round(v); math.Abs(v-r) < 1e-4*r {
		return int(r)
	}
	return float(v)
}

// cap32 is a soft cap, null for none.
func cap32(f float32) any {
	if f == 0 {
		return nil
	}
	return short32(f)
}

func biased(modules map[string][]*model.Linear, path string) bool {
	l := modules[path]
	return len(l) > 0 && l[0].B != nil
}

// windows says which layers look back how far.
func windows(m map[string]any, c *model.Config) {
	widest := slices.Max(c.Windows)
	types := make([]string, len(c.Windows))
	for i, w := range c.Windows {
		types[i] = "full_attention"
		if w > 0 {
			types[i] = "sliding_attention"
		}
	}
	switch c.Arch {
	case "qwen2", "qwen3":
		m["use_sliding_window"] = widest > 0
	case "llama":
		return
	}
	m["sliding_window"] = nil
	if widest > 0 {
		m["sliding_window"] = widest
	}
	if c.Arch != "mistral" && c.Arch != "phi3" {
		m["layer_types"] = types
	}
}

// ropeScaling is rope_scaling; nil: none.
func ropeScaling(c *model.Config) (map[string]any, error) {
	r := &c.Rope
	switch {
	case r.Divisors != nil:
		return llama3Scaling(r)
	case r.Scaling == "linear":
		return map[string]any{"rope_type": "linear", "factor": float(r.Factor)}, nil
	case r.Scaling == "longrope":
		return map[string]any{"type": "longrope", "rope_type": "longrope", "short_factor": floats(r.Short), "long_factor": floats(r.Long)}, nil
	case r.Scaling != "":
		return nil, fmt.Errorf("rope scaling %q is not known in config.json", r.Scaling)
	}
	return nil, nil
}

func floats(list []float32) []float {
	out := make([]float, len(list))
	for i, f := range list {
		out[i] = short32(f)
	}
	return out
}

// llama3Scaling finds the parameters that give the divisors that llama.cpp's
// converter worked out: Llama 3's bounds 1 and 4, and an original context that is
// a power of two.
func llama3Scaling(r *model.RopeConfig) (map[string]any, error) {
	factor := float64(slices.Max(r.Divisors))
	for original := 16; original <= 1<<20; original *= 2 {
		if near(r, factor, float64(original)) {
			return map[string]any{
				"rope_type": "llama3", "factor": short32(float32(factor)), "low_freq_factor": float(1), "high_freq_factor": float(4),
				"original_max_position_embeddings": original,
			}, nil
		}
	}
	return nil, fmt.Errorf("the frequencies in rope_freqs.weight are not those of Llama 3's scaling, and config.json cannot hold others")
}

// near compares the divisors with those of parameters, as
// LlamaModel.generate_extra_tensors of convert_hf_to_gguf.py computes them.
func near(r *model.RopeConfig, factor, original float64) bool {
	const low, high = 1.0, 4.0
	for i, d := range r.Divisors {
		length := 2 * math.Pi * math.Pow(r.Theta, 2*float64(i)/float64(r.Dims))
		want := 1.0
		switch {
		case length > original/low:
			want = factor
		case length >= original/high:
			smooth := (original/length - low) / (high - low)
			want = 1 / ((1-smooth)/factor + smooth)
		}
		if math.Abs(float64(d)-want) > 1e-4*want {
			return false
		}
	}
	return true
}
