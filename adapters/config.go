package adapters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Config is PEFT's adapter_config.json, as far as it decides anything.
type Config struct {
	Base     string // base_model_name_or_path; "" when not known
	Revision string // of the base
	Task     string // task_type: "CAUSAL_LM"

	R      int     // r, of modules that no pattern names
	Alpha  float64 // lora_alpha
	RSLoRA bool    // use_rslora: the scale is alpha/√r
	DoRA   bool    // use_dora
	Bias   string  // "none", "all" or "lora_only": biases that were trained too
	// Ranks and Alphas are rank_pattern and alpha_pattern, in the order of the
	// file: the first that matches counts.
	Ranks, Alphas []Pattern

	Targets, Exclude Targets  // target_modules, exclude_modules
	Layers           []int    // layers_to_transform; nil: all
	LayersPattern    []string // layers_pattern: what the number of a layer follows
	Save             []string // modules_to_save

	// Extra are all other keys of the file. None of them changes what is computed.
	Extra map[string]json.RawMessage
}

// maxConfig is the longest adapter_config.json, in bytes.
const maxConfig = 1 << 20

// parseConfig reads adapter_config.json. Every key whose value it cannot honour is
// named in the error.
func parseConfig(data []byte) (*Config, error) {
	if len(data) > maxConfig {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(data), maxConfig)
	}
	f := &fields{}
	if err := json.Unmarshal(data, &f.rest); err != nil {
		return nil, err
	}
	if f.rest == nil {
		return nil, errors.New("want a JSON object, have null")
	}
	if isMLX(f.rest) {
		return nil, errMLX
	}
	f.refuse()
	c := &Config{R: 8, Alpha: 8, Bias: "none"} // LoraConfig's defaults
	f.take("base_model_name_or_path", &c.Base)
	f.take("revision", &c.Revision)
	f.take("task_type", &c.Task)
	f.take("r", &c.R)
	f.take("lora_alpha", &c.Alpha)
	f.take("use_rslora", &c.RSLoRA)
	f.take("use_dora", &c.DoRA)
	f.take("bias", &c.Bias)
	f.take("rank_pattern", (*patterns)(&c.Ranks))
	f.take("alpha_pattern", (*patterns)(&c.Alphas))
	f.take("target_modules", &c.Targets)
	f.take("exclude_modules", &c.Exclude)
	f.take("layers_to_transform", (*oneOrMany[int])(&c.Layers))
	f.take("layers_pattern", (*oneOrMany[string])(&c.LayersPattern))
	f.take("modules_to_save", &c.Save)
	c.Extra = f.rest
	if c.R < 1 {
		f.errs = append(f.errs, fmt.Errorf("r is %d, want at least 1", c.R))
	}
	if c.Bias != "none" && c.Bias != "all" && c.Bias != "lora_only" {
		f.errs = append(f.errs, fmt.Errorf("bias is %q, want none, all or lora_only", c.Bias))
	}
	for _, p := range c.Ranks {
		if p.Value < 1 || p.Value != math.Trunc(p.Value) || p.Value > math.MaxInt32 {
			f.errs = append(f.errs, fmt.Errorf("rank_pattern %s is %g, want a whole number from 1", p.Key, p.Value))
		}
	}
	return c, errors.Join(f.errs...)
}

// fields are the keys of the file that nobody has taken yet. Other than package
// json's structs they tell r from R.
type fields struct {
	rest map[string]json.RawMessage
	errs []error
}

// take decodes a key; null is the same as nothing.
func (f *fields) take(key string, dst any) {
	raw, ok := f.rest[key]
	delete(f.rest, key)
	if !ok || string(raw) == "null" {
		return
	}
	if err := json.Unmarshal(raw, dst); err != nil {
		f.errs = append(f.errs, fmt.Errorf("%s: %w", key, err))
	}
}

// oneOrMany is a list, or one item without brackets.
type oneOrMany[T any] []T

// UnmarshalJSON reads either form.
func (l *oneOrMany[T]) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]T)(l))
	}
	var one T
	err := json.Unmarshal(data, &one)
	*l = oneOrMany[T]{one}
	return err
}

// MarshalJSON writes the file as PEFT reads it.
func (c *Config) MarshalJSON() ([]byte, error) {
	m := map[string]any{
		"auto_mapping": nil, "fan_in_fan_out": false, "inference_mode": true, "init_lora_weights": true, "lora_dropout": 0.0,
	}
	for k, v := range c.Extra {
		m[k] = v
	}
	maps.Copy(m, map[string]any{
		"peft_type": "LORA", "task_type": null(c.Task), "base_model_name_or_path": null(c.Base), "revision": null(c.Revision),
		"r": c.R, "lora_alpha": c.Alpha, "use_rslora": c.RSLoRA, "use_dora": c.DoRA, "bias": c.Bias,
		"rank_pattern": patterns(c.Ranks), "alpha_pattern": patterns(c.Alphas),
		"target_modules": c.Targets, "exclude_modules": c.Exclude,
		"layers_to_transform": c.Layers, "layers_pattern": c.LayersPattern, "modules_to_save": c.Save,
	})
	return json.Marshal(m)
}

// null is nil for an empty string.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// rank is what the configuration says of a module.
func (c *Config) rank(path string) int {
	if v, ok := match(c.Ranks, path); ok {
		return int(v)
	}
	return c.R
}

// alpha is what the configuration says of a module.
func (c *Config) alpha(path string) float64 {
	if v, ok := match(c.Alphas, path); ok {
		return v
	}
	return c.Alpha
}

// describes tells whether the configuration says of each module what it is.
func (c *Config) describes(modules []*Module) bool {
	return c.R > 0 && !slices.ContainsFunc(modules, func(m *Module) bool {
		return c.rank(m.Path) != m.Rank() || c.alpha(m.Path) != m.Alpha || c.RSLoRA != m.RS || c.DoRA != m.DoRA()
	})
}
