package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"graft/adapters"
	"graft/training"
)

// Config is what config.json says.
type Config struct {
	LoRA   LoRA              // must be what the adapter is
	AdamW  training.AdamW    // torch's defaults where nothing is said
	Rate   float64           // learning rate of the first step
	Sched  training.Schedule // constant or cosine
	Clip   float64           // max_grad_norm; 0: gradients are not cut
	Steps  int               // 0: one for each batch
	Batch  int               // rows of a batch; 0: not said
	Seed   uint64            // of dropout
	unread map[string]json.RawMessage
}

// LoRA is the part of PEFT's configuration that decides what is computed; nil: not said.
type LoRA struct {
	Rank    *int     `json:"r"`
	Alpha   *float64 `json:"lora_alpha"`
	Dropout *float64 `json:"lora_dropout"`
	RSLoRA  *bool    `json:"use_rslora"`
	DoRA    *bool    `json:"use_dora"`
	Bias    *string  `json:"bias"`
	Targets targets  `json:"target_modules"`
}

// targets is a list of names; nil when it is a pattern, which PEFT writes out on saving.
type targets []string

func (t *targets) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// ParseConfig reads config.json. The error names every key that it does not know and
// every value that it cannot honour.
func ParseConfig(data []byte) (*Config, error) {
	c := &Config{AdamW: training.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.01}, Sched: training.Constant}
	if err := json.Unmarshal(data, &c.unread); err != nil {
		return nil, err
	}
	var errs []error
	take := func(key string, dst any) bool {
		raw, ok := c.unread[key]
		delete(c.unread, key)
		if !ok || string(raw) == "null" {
			return false
		}
		if err := json.Unmarshal(raw, dst); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", key, err))
			return false
		}
		return true
	}
	optimizer := "AdamW"
	if bytes.HasPrefix(bytes.TrimSpace(c.unread["optimizer"]), []byte("{")) { // its settings in one object
		var inner map[string]json.RawMessage
		if take("optimizer", &inner) {
			for _, key := range []string{"name", "type"} {
				if raw, ok := inner[key]; ok {
					inner["optimizer"] = raw
					delete(inner, key)
				}
			}
			maps.Copy(c.unread, inner)
		}
	}
	take("optimizer", &optimizer)
	if !strings.EqualFold(optimizer, "adamw") {
		errs = append(errs, fmt.Errorf("optimizer is %q; graft trains with AdamW", optimizer))
	}
	take("lora", &c.LoRA)
	betas := []float64{c.AdamW.Beta1, c.AdamW.Beta2}
	if take("betas", &betas) && len(betas) != 2 {
		errs = append(errs, fmt.Errorf("betas are %v, want two numbers", betas))
	} else {
		c.AdamW.Beta1, c.AdamW.Beta2 = betas[0], betas[1]
	}
	take("eps", &c.AdamW.Eps)
	take("weight_decay", &c.AdamW.Decay)
	if !take("lr", &c.Rate) && !take("learning_rate", &c.Rate) {
		errs = append(errs, errors.New("lr is missing"))
	}
	if take("schedule", &c.Sched) && c.Sched != training.Constant && c.Sched != training.Cosine {
		errs = append(errs, fmt.Errorf("schedule is %q, want constant or cosine", c.Sched))
	}
	warmup := 0
	if take("warmup_steps", &warmup) && warmup != 0 {
		errs = append(errs, fmt.Errorf("warmup_steps is %d: trainers differ in how they warm up, so a replay has none", warmup))
	}
	if take("max_grad_norm", &c.Clip) && !(c.Clip > 0) {
		errs = append(errs, fmt.Errorf("max_grad_norm is %v, want a number above 0, or null", c.Clip))
	}
	take("steps", &c.Steps)
	take("batch_size", &c.Batch)
	take("seed", &c.Seed)
	if c.Steps < 0 || c.Batch < 0 {
		errs = append(errs, fmt.Errorf("steps is %d and batch_size %d, want numbers from 1", c.Steps, c.Batch))
	}
	if len(c.unread) > 0 {
		errs = append(errs, fmt.Errorf("unknown keys: %s", strings.Join(slices.Sorted(maps.Keys(c.unread)), ", ")))
	}
	return c, errors.Join(errs...)
}

// agree compares what is said of the adapter with what it is.
func (l *LoRA) agree(a *adapters.Adapter) error {
	var errs []error
	differ := func(key string, said, is any) {
		errs = append(errs, fmt.Errorf("lora.%s is %v, but the adapter to begin with has %v", key, said, is))
	}
	c := &a.Config
	if l.Rank != nil && *l.Rank != c.R {
		differ("r", *l.Rank, c.R)
	}
	if l.Alpha != nil && *l.Alpha != c.Alpha {
		differ("lora_alpha", *l.Alpha, c.Alpha)
	}
	if l.RSLoRA != nil && *l.RSLoRA != c.RSLoRA {
		differ("use_rslora", *l.RSLoRA, c.RSLoRA)
	}
	if l.DoRA != nil && *l.DoRA != c.DoRA {
		differ("use_dora", *l.DoRA, c.DoRA)
	}
	if l.Bias != nil && *l.Bias != c.Bias {
		differ("bias", *l.Bias, c.Bias)
	}
	if has := slices.Sorted(slices.Values(c.Targets.Names)); l.Targets != nil && c.Targets.Names != nil && !slices.Equal(slices.Sorted(slices.Values(l.Targets)), has) {
		differ("target_modules", []string(l.Targets), has)
	}
	return errors.Join(errs...)
}

// dropout is that of the configuration, else that of the adapter.
func (l *LoRA) dropout(a *adapters.Adapter) (p float64, err error) {
	if l.Dropout != nil {
		return *l.Dropout, nil
	}
	if raw, ok := a.Config.Extra["lora_dropout"]; ok {
		err = json.Unmarshal(raw, &p)
	}
	return p, err
}
