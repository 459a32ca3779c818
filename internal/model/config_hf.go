package model

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// hfConfig is config.json of a Hugging Face folder, the keys that any of the
// architectures reads. Pointers are values that may be null there.
type hfConfig struct {
	ModelType     string          `json:"model_type"`
	Architectures []string        `json:"architectures"`
	Name          string          `json:"_name_or_path"`
	TextConfig    json.RawMessage `json:"text_config"` // of models that also see images
	Quantization  json.RawMessage `json:"quantization_config"`

	VocabSize     int      `json:"vocab_size"`
	TypeVocabSize int      `json:"type_vocab_size"`
	Width         int      `json:"hidden_size"`
	FFN           int      `json:"intermediate_size"`
	Layers        int      `json:"num_hidden_layers"`
	Heads         int      `json:"num_attention_heads"`
	KVHeads       *int     `json:"num_key_value_heads"`
	HeadDim       *int     `json:"head_dim"`
	Context       int      `json:"max_position_embeddings"`
	OrigContext   int      `json:"original_max_position_embeddings"`
	RMSNormEps    *float64 `json:"rms_norm_eps"`
	LayerNormEps  *float64 `json:"layer_norm_eps"`
	HiddenAct     string   `json:"hidden_act"`
	Activation    string   `json:"hidden_activation"` // Gemma's name for it
	Tied          bool     `json:"tie_word_embeddings"`

	Window          *int     `json:"sliding_window"`
	UseWindow       *bool    `json:"use_sliding_window"`
	MaxWindowLayers int      `json:"max_window_layers"`
	WindowPattern   int      `json:"sliding_window_pattern"`
	LayerTypes      []string `json:"layer_types"`
	Bidirectional   *bool    `json:"use_bidirectional_attention"`
	IsDecoder       bool     `json:"is_decoder"`
	PositionType    string   `json:"position_embedding_type"`

	QueryScalar float64  `json:"query_pre_attn_scalar"`
	AttnCap     *float64 `json:"attn_logit_softcapping"`
	LogitCap    *float64 `json:"final_logit_softcapping"`

	// Rotary embeddings: the form before transformers 5 …
	RopeTheta     *float64 `json:"rope_theta"`
	LocalTheta    *float64 `json:"rope_local_base_freq"`
	PartialRotary *float64 `json:"partial_rotary_factor"`
	RopeScaling   *hfRope  `json:"rope_scaling"`
	// … and since: one hfRope, or one for each type of layer.
	RopeParameters json.RawMessage `json:"rope_parameters"`
}

// hfRope is one set of rope parameters.
type hfRope struct {
	RopeType        string    `json:"rope_type"`
	Type            string    `json:"type"` // the older name
	Theta           *float64  `json:"rope_theta"`
	PartialRotary   *float64  `json:"partial_rotary_factor"`
	Factor          float64   `json:"factor"`
	LowFreq         float64   `json:"low_freq_factor"`
	HighFreq        float64   `json:"high_freq_factor"`
	OriginalContext int       `json:"original_max_position_embeddings"`
	Short           []float32 `json:"short_factor"`
	Long            []float32 `json:"long_factor"`
	AttentionFactor float64   `json:"attention_factor"`
}

// maxConfigFile bounds the JSON files of a folder that are read whole.
const maxConfigFile = 1 << 22

// readHF reads config.json of a folder.
func readHF(dir string) (*architecture, *Config, error) {
	path := filepath.Join(dir, "config.json")
	data, err := readSmall(path)
	if err != nil {
		return nil, nil, err
	}
	a, c, err := parseHF(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, c, nil
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxConfigFile {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are expected", path, info.Size(), maxConfigFile)
	}
	return os.ReadFile(path)
}

func parseHF(data []byte) (*architecture, *Config, error) {
	var head hfConfig
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, nil, err
	}
	a := architectures[head.ModelType]
	if a == nil {
		return nil, nil, fmt.Errorf("model_type %q is not supported: graft knows %s", head.ModelType, strings.Join(Architectures(), ", "))
	}
	if len(head.Quantization) > 0 && string(head.Quantization) != "null" {
		return nil, nil, fmt.Errorf("quantization_config: weights quantised by other programs are not supported; take the original weights, or a GGUF file")
	}
	j := &hfConfig{}
	layers := [][]byte{[]byte(a.defaults), data}
	if len(head.TextConfig) > 0 {
		layers[1] = head.TextConfig
	}
	for _, layer := range layers {
		if err := json.Unmarshal(layer, j); err != nil {
			return nil, nil, err
		}
	}
	c, err := j.config(a)
	if err != nil {
		return nil, nil, err
	}
	return a, c, c.check()
}

// config is the part that all architectures share.
func (j *hfConfig) config(a *architecture) (*Config, error) {
	c := &Config{
		Arch: a.name, Name: j.Name, Layers: j.Layers, Width: j.Width, Heads: j.Heads, KVHeads: j.Heads,
		FFN: j.FFN, Vocab: j.VocabSize, Types: j.TypeVocabSize, Context: j.Context, Tied: j.Tied,
		EmbedScale: 1, Pooling: "last",
	}
	if j.KVHeads != nil {
		c.KVHeads = *j.KVHeads
	}
	switch {
	case j.HeadDim != nil:
		c.HeadDim = *j.HeadDim
	case c.Heads > 0:
		c.HeadDim = c.Width / c.Heads
	}
	c.QueryScale = inverseRoot(float64(c.HeadDim))
	if eps := cmp.Or(j.RMSNormEps, j.LayerNormEps); eps != nil {
		c.Eps = float32(*eps)
	}
	if j.Bidirectional != nil && *j.Bidirectional {
		return nil, fmt.Errorf("use_bidirectional_attention is not supported")
	}
	var err error
	if c.Act, err = activation(cmp.Or(j.Activation, j.HiddenAct)); err != nil {
		return nil, err
	}
	if err := j.windows(c); err != nil {
		return nil, err
	}
	if err := j.rope(c); err != nil {
		return nil, err
	}
	if a.hf != nil {
		err = a.hf(c, j)
	}
	return c, err
}

// activation finds an activation by its name in transformers (activations.py).
func activation(name string) (Activation, error) {
	switch name {
	case "silu", "swish":
		return SiLU, nil
	case "gelu":
		return GELU, nil
	case "gelu_pytorch_tanh", "gelu_new":
		return GELUTanh, nil
	}
	return 0, fmt.Errorf("activation %q is not supported: graft knows silu, gelu and gelu_pytorch_tanh", name)
}

// windows sets the window of each layer, by its type where the file has types.
func (j *hfConfig) windows(c *Config) error {
	if c.Layers < 0 || c.Layers > maxLayers {
		return nil // check complains
	}
	c.Windows = make([]int, c.Layers)
	if j.Window == nil || j.UseWindow != nil && !*j.UseWindow {
		return nil
	}
	if j.LayerTypes != nil && len(j.LayerTypes) != c.Layers {
		return fmt.Errorf("layer_types: %d layers, want %d", len(j.LayerTypes), c.Layers)
	}
	for i := range c.Windows {
		sliding := i >= j.MaxWindowLayers
		switch {
		case j.LayerTypes != nil:
			if t := j.LayerTypes[i]; t != "sliding_attention" && t != "full_attention" {
				return fmt.Errorf("layer_types: %q is not supported", t)
			}
			sliding = j.LayerTypes[i] == "sliding_attention"
		case j.WindowPattern > 0:
			sliding = (i+1)%j.WindowPattern != 0
		}
		if sliding {
			c.Windows[i] = *j.Window
		}
	}
	return nil
}

// rope reads the rotary embedding from either form.
func (j *hfConfig) rope(c *Config) error {
	if j.RopeTheta == nil {
		return nil
	}
	global, local := hfRope{}, hfRope{}
	if j.RopeScaling != nil {
		global = *j.RopeScaling
	}
	if len(j.RopeParameters) > 0 {
		var byType struct {
			Full    *hfRope `json:"full_attention"`
			Sliding *hfRope `json:"sliding_attention"`
		}
		if err := json.Unmarshal(j.RopeParameters, &byType); err != nil {
			return fmt.Errorf("rope_parameters: %w", err)
		}
		switch {
		case byType.Full != nil && byType.Sliding != nil:
			global, local = *byType.Full, *byType.Sliding
		case byType.Full != nil || byType.Sliding != nil:
			return fmt.Errorf("rope_parameters: want both full_attention and sliding_attention, or neither")
		default:
			if err := json.Unmarshal(j.RopeParameters, &global); err != nil {
				return fmt.Errorf("rope_parameters: %w", err)
			}
		}
	}
	c.Rope = global.config(j, c, j.RopeTheta)
	c.RopeLocal = local.config(j, c, j.LocalTheta)
	return nil
}

// config is r with what it leaves open; theta is the base unless r has its own.
func (r *hfRope) config(j *hfConfig, c *Config, theta *float64) RopeConfig {
	theta = cmp.Or(r.Theta, theta)
	if theta == nil {
		return RopeConfig{}
	}
	partial := 1.0
	if p := cmp.Or(r.PartialRotary, j.PartialRotary); p != nil {
		partial = *p
	}
	out := RopeConfig{
		Theta: *theta, Dims: int(float64(c.HeadDim) * partial), Factor: r.Factor, LowFreq: r.LowFreq, HighFreq: r.HighFreq,
		Short: r.Short, Long: r.Long, AttentionFactor: r.AttentionFactor,
	}
	out.OriginalContext = cmp.Or(j.OrigContext, r.OriginalContext, c.Context)
	switch out.Scaling = cmp.Or(r.RopeType, r.Type); out.Scaling {
	case "default":
		out.Scaling = ""
	case "su": // what Phi-3's first files call it
		out.Scaling = "longrope"
	}
	if out.Scaling == "longrope" && out.AttentionFactor == 0 {
		factor := cmp.Or(r.Factor, float64(c.Context)/float64(out.OriginalContext))
		out.AttentionFactor = longropeFactor(factor, out.OriginalContext)
	}
	return out
}
