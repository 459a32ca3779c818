package model

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Configurations as their authors published them, shortened to what is read.
const (
	llama32 = `{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048,
		"intermediate_size": 8192, "max_position_embeddings": 131072, "num_attention_heads": 32, "num_hidden_layers": 16,
		"num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 32.0,
		"high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"},
		"rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "vocab_size": 128256}`
	mistral1 = `{"model_type": "mistral", "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336,
		"max_position_embeddings": 32768, "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
		"rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096, "vocab_size": 32000}`
	mistral3 = `{"model_type": "mistral", "hidden_act": "silu", "hidden_size": 4096, "intermediate_size": 14336,
		"max_position_embeddings": 32768, "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
		"rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null, "vocab_size": 32768}`
	qwen25 = `{"model_type": "qwen2", "hidden_act": "silu", "hidden_size": 896, "intermediate_size": 4864,
		"max_position_embeddings": 32768, "max_window_layers": 21, "num_attention_heads": 14, "num_hidden_layers": 24,
		"num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
		"tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936}`
	gemma3it = `{"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "mm_tokens_per_image": 256,
		"text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34,
		"rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024},
		"vision_config": {"hidden_size": 1152, "image_size": 896, "model_type": "siglip_vision_model"}}`
)

func phi35() string {
	factors := make([]string, 48)
	for i := range factors {
		factors[i] = fmt.Sprint(1 + i)
	}
	list := strings.Join(factors, ",")
	return `{"model_type": "phi3", "hidden_act": "silu", "hidden_size": 3072, "intermediate_size": 8192,
		"max_position_embeddings": 131072, "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
		"original_max_position_embeddings": 4096, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 262144,
		"rope_scaling": {"long_factor": [` + list + `], "short_factor": [` + list + `], "type": "longrope"}, "vocab_size": 32064}`
}

// TestParseHF reads published configurations, in the form before transformers 5;
// the folders under testdata have the form since.
func TestParseHF(t *testing.T) {
	factors := make([]float32, 48)
	for i := range factors {
		factors[i] = float32(1 + i)
	}
	every := func(n, window int) []int { return slices.Repeat([]int{window}, n) }
	gemmaWindows := slices.Repeat([]int{1024, 1024, 1024, 1024, 1024, 0}, 6)[:34]
	tests := []struct {
		name, json string
		want       Config
	}{
		{"Llama 3.2 1B", llama32, Config{
			Arch: "llama", Layers: 16, Width: 2048, Heads: 32, KVHeads: 8, HeadDim: 64, FFN: 8192, Vocab: 128256, Context: 131072,
			Eps: 1e-5, QueryScale: 0.125, EmbedScale: 1, Windows: every(16, 0), Tied: true, Pooling: "last",
			Rope: RopeConfig{Theta: 500000, Dims: 64, Scaling: "llama3", Factor: 32, LowFreq: 1, HighFreq: 4, OriginalContext: 8192},
		}},
		{"Mistral 7B v0.1", mistral1, Config{
			Arch: "mistral", Layers: 32, Width: 4096, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 14336, Vocab: 32000, Context: 32768,
			Eps: 1e-5, QueryScale: inverseRoot(128), EmbedScale: 1, Windows: every(32, 4096), Pooling: "last",
			Rope: RopeConfig{Theta: 10000, Dims: 128, OriginalContext: 32768},
		}},
		{"Mistral 7B v0.3", mistral3, Config{
			Arch: "mistral", Layers: 32, Width: 4096, Heads: 32, KVHeads: 8, HeadDim: 128, FFN: 14336, Vocab: 32768, Context: 32768,
			Eps: 1e-5, QueryScale: inverseRoot(128), EmbedScale: 1, Windows: every(32, 0), Pooling: "last",
			Rope: RopeConfig{Theta: 1000000, Dims: 128, OriginalContext: 32768},
		}},
		{"Qwen2.5 0.5B", qwen25, Config{
			Arch: "qwen2", Layers: 24, Width: 896, Heads: 14, KVHeads: 2, HeadDim: 64, FFN: 4864, Vocab: 151936, Context: 32768,
			Eps: 1e-6, QueryScale: 0.125, EmbedScale: 1, Windows: every(24, 0), Tied: true, Pooling: "last",
			Rope: RopeConfig{Theta: 1000000, Dims: 64, OriginalContext: 32768},
		}},
		{"Phi 3.5 mini", phi35(), Config{
			Arch: "phi3", Layers: 32, Width: 3072, Heads: 32, KVHeads: 32, HeadDim: 96, FFN: 8192, Vocab: 32064, Context: 131072,
			Eps: 1e-5, QueryScale: inverseRoot(96), EmbedScale: 1, Windows: every(32, 262144), Pooling: "last",
			Rope: RopeConfig{Theta: 10000, Dims: 96, Scaling: "longrope", OriginalContext: 4096, Short: factors, Long: factors,
				AttentionFactor: math.Sqrt(1 + math.Log(32)/math.Log(4096))},
		}},
		{"Gemma 3 4B", gemma3it, Config{
			Arch: "gemma3", Layers: 34, Width: 2560, Heads: 8, KVHeads: 4, HeadDim: 256, FFN: 10240, Vocab: 262208, Context: 131072,
			Eps: 1e-6, Act: GELUTanh, QueryScale: 0.0625, EmbedScale: float32(math.Sqrt(2560)), Windows: gemmaWindows, Tied: true, Pooling: "last",
			Rope:      RopeConfig{Theta: 1e6, Dims: 256, Scaling: "linear", Factor: 8, OriginalContext: 131072},
			RopeLocal: RopeConfig{Theta: 10000, Dims: 256, OriginalContext: 131072},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, c, err := parseHF([]byte(test.json))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, *c); diff != "" {
				t.Errorf("(-want +have):\n%s", diff)
			}
		})
	}
}

// TestParseHFRefuses has what is not supported, or wrong: the message names it.
func TestParseHFRefuses(t *testing.T) {
	with := func(json, key string) string { return strings.TrimSuffix(json, "}") + ", " + key + "}" }
	tests := []struct{ json, want string }{
		{`{"model_type": "mamba"}`, `model_type "mamba"`},
		{`{}`, `model_type ""`},
		{`{"model_type": 7}`, "model_type"},
		{with(qwen25, `"rope_scaling": {"type": "yarn", "factor": 4.0}`), `"yarn"`},
		{with(llama32, `"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}`), `"dynamic"`},
		{with(llama32, `"rope_scaling": {"rope_type": "llama3", "factor": 0.0}`), "llama3 scaling with factor 0"},
		{with(phi35(), `"rope_scaling": {"type": "su", "long_factor": [1], "short_factor": [1]}`), "1 short and 1 long factors, want 48"},
		{with(mistral1, `"hidden_act": "relu"`), `"relu"`},
		{with(mistral1, `"quantization_config": {"quant_method": "awq"}`), "quantization_config"},
		{with(mistral1, `"num_hidden_layers": 100000000000`), "number of layers is 100000000000"},
		{with(mistral1, `"num_attention_heads": 0`), "number of attention heads is 0"},
		{with(mistral1, `"num_key_value_heads": 7`), "32 attention heads of 128 share 7"},
		{with(mistral1, `"head_dim": 131072`), "share 8"},
		{with(mistral1, `"hidden_size": -4096`), "width is -4096"},
		{with(mistral1, `"rms_norm_eps": -1`), "epsilon"},
		{with(mistral1, `"sliding_window": -5`), "window of layer 0 is -5"},
		{with(mistral1, `"rope_theta": -1`), "base of the frequencies is -1"},
		{with(mistral1, `"layer_types": ["full_attention"]`), "layer_types: 1 layers, want 32"},
		{with(mistral1, `"rope_parameters": {"full_attention": {}}`), "both full_attention and sliding_attention"},
		{with(gemma3it, `"text_config": {"use_bidirectional_attention": true}`), "use_bidirectional_attention"},
		{`{"model_type": "bert", "is_decoder": true}`, "BERT as a decoder"},
		{`{"model_type": "bert", "position_embedding_type": "relative_key"}`, `"relative_key"`},
	}
	for _, test := range tests {
		_, c, err := parseHF([]byte(test.json))
		if err == nil {
			t.Errorf("%.80s: accepted as %+v, want an error with %q", test.json, c, test.want)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.80s: %v; want it to say %q", test.json, err, test.want)
		}
	}
}

func FuzzParseHF(f *testing.F) {
	for _, json := range []string{llama32, mistral1, mistral3, qwen25, gemma3it, phi35(), `{"model_type": "bert"}`, `{"model_type": "gemma2"}`} {
		f.Add([]byte(json))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, c, err := parseHF(data)
		if err != nil {
			return
		}
		// What is accepted can be computed with.
		if c.Rope.Theta > 0 && c.HeadDim < 1<<12 {
			for i, w := range c.Rope.rope(c.HeadDim).InvFreq {
				if math.IsNaN(float64(w)) || w < 0 {
					t.Fatalf("frequency %d is %g", i, w)
				}
			}
		}
		c.Window()
	})
}
