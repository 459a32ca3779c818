package api

import (
	"fmt"
	"strings"
)

// choice is what a request says about adapters, before any of it is looked up.
type choice struct {
	rules choiceRules
	model string
	field string      // that chose besides model; "": none
	refs  []reference // what it chose; none: the base, said outright
}

// choiceRules differ between routes.
type choiceRules struct {
	optional bool // model may be left out: the default one
	latest   bool // Ollama's tag ":latest" may follow a name
	plain    bool // what POST /lora-adapters turned on does not count
	free     bool // nothing is generated: the limits of adapters do not count it
}

// reference is one adapter as a request writes it.
type reference struct {
	path       string // of the field, for errors
	name       string
	generation string
	id         int // for lora
	weight     float32
}

func (r reference) String() string {
	if r.name == "" {
		return "'" + clip(r.generation, 80) + "'"
	}
	return "'" + clip(r.name, 200) + "'"
}

// bind reads model, graft's adapters, and the fields by which clients of other
// servers choose. One way at a time: two of them could only contradict each other.
func (ch *choice) bind(o *object) {
	o.string("model", &ch.model)
	if v, ok := o.value("adapters"); ok && ch.by(v) {
		v.items(maxAdapters, ch.adapter)
	}
	if v, ok := o.value("adapter"); ok && ch.by(v) { // mistral.rs
		ch.mistral(v)
	}
	if v, ok := o.value("adapter_id"); ok && ch.by(v) { // LoRAX, TGI
		ch.add(reference{path: v.path, name: v.string(), weight: 1})
	}
	ch.source(o)
	if v, ok := o.value("merged_adapters"); ok && ch.by(v) { // LoRAX
		v.object(ch.merged)
	}
	if v, ok := o.value("lora"); ok && ch.by(v) { // llama.cpp
		v.items(1024, ch.lora)
		if len(ch.refs) > maxAdapters && o.d.err == nil {
			o.d.fail(invalid(v.path, "array_above_max_length", "Invalid '%s': at most %d adapters may have a scale other than 0.", v.path, maxAdapters))
		}
	}
	if v, ok := o.value("lora_path"); ok && ch.by(v) { // SGLang
		ch.add(reference{path: v.path, name: v.string(), weight: 1})
	}
	if ch.model == "" && ch.field == "" && !ch.rules.optional {
		o.model(&ch.model) // says what is wrong
	}
}

// by notes which field chooses, and fails at the second.
func (ch *choice) by(v value) bool {
	if ch.field != "" {
		v.d.fail(invalid(v.path, "invalid_parameter_combination", "Setting '%s' and '%s' at the same time is not supported: choose adapters in one way.", ch.field, v.path))
		return false
	}
	ch.field = v.path
	return true
}

// add takes a reference, unless it is the empty name, by which others mean the base.
func (ch *choice) add(r reference) {
	if r.name != "" || r.generation != "" {
		ch.refs = append(ch.refs, r)
	}
}

// adapter reads {"name", "generation", "weight"}: one of the first two, or both.
func (ch *choice) adapter(_ int, v value) {
	r := reference{path: v.path, weight: 1}
	v.object(func(o *object) {
		o.string("name", &r.name)
		generation(o, &r.generation)
		o.number("weight", &r.weight, -100, 100)
		if r.name == "" && r.generation == "" {
			o.require("name")
			o.d.fail(invalid(join(o.path, "name"), "invalid_value", "Invalid '%s': the name is empty.", join(o.path, "name")))
		}
	})
	ch.refs = append(ch.refs, r)
}

// mistral reads a name, or {"generation": …}.
func (ch *choice) mistral(v value) {
	r := reference{path: v.path, weight: 1}
	if v.kind() == "object" {
		v.object(func(o *object) {
			o.require("generation")
			generation(o, &r.generation)
		})
	} else {
		r.name = v.string()
	}
	ch.add(r)
}

// source reads LoRAX's adapter_source and api_token. Nothing is downloaded for a
// request, wherever the adapter came from: it is found by its registered name.
func (ch *choice) source(o *object) {
	o.accept("api_token")
	var source string
	if !o.enum("adapter_source", &source, "hub", "local", "s3", "pbase") || source == "hub" || source == "local" {
		return
	}
	o.d.fail(invalid("adapter_source", "unsupported_value", "Unsupported value for 'adapter_source': '%s'. Adapters are served by the name they were registered with: %s.", source, howToRegister))
}

// merged reads LoRAX's merged_adapters.
func (ch *choice) merged(o *object) {
	strategy := "linear"
	o.enum("merge_strategy", &strategy, "linear", "ties", "dare_linear", "dare_ties")
	if strategy != "linear" && o.d.err == nil {
		path := join(o.path, "merge_strategy")
		o.d.fail(invalid(path, "unsupported_value", "Unsupported value for '%s': '%s'. Only 'linear' can be mixed while answering, as a weighted sum; merge the adapters into a new one for other strategies.", path, strategy))
	}
	o.accept("density", "majority_sign_method") // have no part in linear
	o.require("ids")
	if v, ok := o.value("ids"); ok {
		v.items(maxAdapters, func(_ int, item value) {
			ch.refs = append(ch.refs, reference{path: item.path, name: item.string(), weight: 1})
		})
	}
	v, ok := o.value("weights")
	if !ok {
		return
	}
	n := 0
	v.items(maxAdapters, func(i int, item value) {
		w := float32(item.number(-100, 100))
		if n++; i < len(ch.refs) {
			ch.refs[i].weight = w
		}
	})
	if n != 0 && n != len(ch.refs) && o.d.err == nil {
		o.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': there are %d weights for %d adapters.", v.path, n, len(ch.refs)))
	}
}

// lora reads llama.cpp's {"id", "scale"}; what has scale 0 is left out, as what
// is not listed.
func (ch *choice) lora(_ int, v value) {
	r := reference{path: v.path}
	v.object(func(o *object) {
		o.require("id")
		o.integer("id", &r.id, 0, maxInt32)
		o.require("scale")
		o.number("scale", &r.weight, -100, 100)
	})
	if r.weight != 0 {
		ch.refs = append(ch.refs, r)
	}
}

// generation reads a digest, or its beginning.
func generation(o *object, dst *string) {
	v, ok := o.value("generation")
	if !ok {
		return
	}
	g, ok := parseGeneration(v.string())
	if !ok && o.d.err == nil {
		o.d.fail(invalid(v.path, "invalid_value", "Invalid '%s': %s", v.path, generationForm))
	}
	*dst = g
}

const generationForm = "a generation is 'sha256:' and 64 hexadecimal digits, or at least the first 8 of them."

// parseGeneration brings a digest, or the beginning of one, to the form
// sha256:… in small letters.
func parseGeneration(s string) (string, bool) {
	digits := strings.ToLower(strings.TrimPrefix(s, "sha256:"))
	if len(digits) < 8 || len(digits) > 64 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", false
	}
	return "sha256:" + digits, true
}

const howToRegister = "POST /v1/load_lora_adapter registers one"

// unknownAdapter says that a reference leads nowhere, and what may have been meant.
func unknownAdapter(ref reference, near string) *Error {
	return &Error{Status: 404, Type: invalidRequest, Param: ref.path, Code: "model_not_found",
		Message: fmt.Sprintf("The adapter %s does not exist.%s Adapters are served by the name they were registered with: %s.", ref, near, howToRegister)}
}
