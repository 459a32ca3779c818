package model

import (
	"slices"
	"strings"
)

// architecture is how one family of models is read and computed. Each registers
// itself in the file of its name.
type architecture struct {
	name  string   // general.architecture of GGUF files and model_type of config.json
	types []string // further model_types that are the same
	// defaults are the values of config.json that transformers assumes when they
	// are not there (configuration_*.py), as JSON.
	defaults string
	// hf and gguf finish the configuration with what is peculiar to the family,
	// after the common part has been read. Either may be nil.
	hf   func(c *Config, j *hfConfig) error
	gguf func(c *Config, g *ggufConfig) error
	// names maps the modules of GGUF files to those of Hugging Face, N being the
	// layer: "blk.N.attn_q" -> "model.layers.N.self_attn.q_proj".
	names map[string]string
	// rename brings names of Hugging Face folders that other tools write into
	// the usual form; "" marks a tensor that is known not to matter. May be nil.
	rename func(name string) string
	build  func(l *loader) network
}

var architectures = map[string]*architecture{}

func register(a architecture) {
	for _, name := range append([]string{a.name}, a.types...) {
		if architectures[name] != nil {
			panic("model: architecture " + name + " is registered twice")
		}
		architectures[name] = &a
	}
}

// Architectures lists the names of the architectures, sorted.
func Architectures() []string {
	var names []string
	for name, a := range architectures {
		if name == a.name {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// moduleOf turns a tensor name of a GGUF file into that of Hugging Face.
func (a *architecture) moduleOf(name string) string {
	module, suffix, ok := cutLast(name, ".")
	if !ok {
		return name
	}
	layer := ""
	if rest, in := strings.CutPrefix(module, "blk."); in {
		var tail string
		if layer, tail, ok = strings.Cut(rest, "."); !ok {
			return name
		}
		module = "blk.N." + tail
	}
	to, ok := a.names[module]
	if !ok {
		return name
	}
	return strings.Replace(to, ".N.", "."+layer+".", 1) + "." + suffix
}

// cutLast cuts s around the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
