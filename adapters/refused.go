package adapters

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// refused are keys of adapter_config.json that change what is computed in a way
// that is not supported, with what they do. Their empty values are fine.
var refused = map[string]string{
	"alora_invocation_tokens": "activates the adapter only after certain tokens (aLoRA)",
	"arrow_config":            "routes each token among adapters (Arrow)",
	"fan_in_fan_out":          "stores weights transposed, for layers that no supported architecture has",
	"kasa_config":             "truncates the base's weights (KaSA)",
	"layer_replication":       "adds copies of layers to the base",
	"lora_bias":               "adds a bias to B; merge it into the bias of the module and save with bias=\"all\"",
	"megatron_config":         "splits modules among machines (Megatron)",
	"monteclora_config":       "samples the weights (MonteCLoRA)",
	"target_parameters":       "changes parameters that are not modules",
	"trainable_token_indices": "trains single rows of the table; train the table by modules_to_save or LoRA instead",
	"use_bdlora":              "makes A or B block-diagonal (BD-LoRA)",
	"use_qalora":              "pools the input of A (QA-LoRA)",
}

// inits are values of init_lora_weights that leave the base alone. PiSSA, OLoRA,
// CorDA, LoftQ and LoRA-GA subtract from its weights what they put into A and B.
var inits = []string{"true", "false", `"gaussian"`, `"eva"`, `"orthogonal"`, `"mica"`, "null"}

// errMLX says what to do with an adapter of mlx-lm.
var errMLX = errors.New("written by mlx-lm, whose matrices are transposed and whose scale is another; fuse it there (mlx_lm.fuse) or train with PEFT's layout")

// isMLX tells mlx-lm's adapter_config.json by the keys that only it has.
func isMLX(keys map[string]json.RawMessage) bool {
	_, params := keys["lora_parameters"]
	_, tune := keys["fine_tune_type"]
	_, peft := keys["peft_type"]
	return (params || tune) && !peft
}

// refuse names everything that cannot be honoured.
func (f *fields) refuse() {
	kind := ""
	f.take("peft_type", &kind)
	if kind != "LORA" {
		f.errs = append(f.errs, fmt.Errorf("peft_type is %q, want \"LORA\"", kind))
	}
	for _, key := range slices.Sorted(maps.Keys(refused)) {
		if raw, ok := f.rest[key]; ok && !empty(raw) {
			f.errs = append(f.errs, fmt.Errorf("%s is %s: it %s, which is not supported", key, short(raw), refused[key]))
		}
	}
	init, ok := f.rest["init_lora_weights"]
	if ok && !slices.Contains(inits, string(init)) {
		f.errs = append(f.errs, fmt.Errorf("init_lora_weights is %s: it changes the base; save the adapter again by peft's save_pretrained with path_initial_model_for_weight_conversion", short(init)))
	}
	var tying bool
	if raw, ok := f.rest["ensure_weight_tying"]; ok && json.Unmarshal(raw, &tying) == nil && tying {
		for _, key := range []string{"target_modules", "modules_to_save"} {
			if s := string(f.rest[key]); strings.Contains(s, "embed") || strings.Contains(s, "lm_head") {
				f.errs = append(f.errs, fmt.Errorf("ensure_weight_tying is true and %s is %s: one update for table and head is not supported", key, short(f.rest[key])))
			}
		}
	}
}

// empty tells values that say no.
func empty(raw json.RawMessage) bool {
	switch strings.Join(strings.Fields(string(raw)), "") {
	case "null", "false", `""`, "[]", "{}", "0":
		return true
	}
	return false
}

// short is raw, cut where it gets long.
func short(raw json.RawMessage) string {
	const most = 80
	if len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}
