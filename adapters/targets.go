package adapters

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Pattern is an entry of rank_pattern or alpha_pattern. Its key is a regular
// expression that the end of a module's path has to match, from a dot on
// (get_pattern_key in peft/utils/other.py).
type Pattern struct {
	Key   string
	Value float64
	re    *regexp.Regexp
}

// NewPattern compiles an entry.
func NewPattern(key string, value float64) (Pattern, error) {
	re, err := regexp.Compile(`^(?:.*\.)?(?:` + key + `)$`)
	if err != nil {
		return Pattern{}, fmt.Errorf("pattern %s: %w; write it without what only Python knows", key, err)
	}
	return Pattern{key, value, re}, nil
}

// match is the value of the first pattern that matches.
func match(list []Pattern, path string) (float64, bool) {
	for i := range list {
		if list[i].re.MatchString(path) {
			return list[i].Value, true
		}
	}
	return 0, false
}

// maxPatterns bounds how many regular expressions are compiled and tried. A model
// of 126 layers has 882 modules.
const maxPatterns = 1 << 12

// patterns is a JSON object whose order counts.
type patterns []Pattern

// UnmarshalJSON reads {"pattern": number, …}.
func (p *patterns) UnmarshalJSON(data []byte) error {
	seen := map[string]int{}
	dec := json.NewDecoder(bytes.NewReader(data))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return errors.Join(errors.New("want an object of patterns and numbers"), err)
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key := tok.(string) // the decoder lets nothing else be a key
		var value float64
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		// A key that comes again changes the value and keeps its place, as in Python.
		if i, ok := seen[key]; ok {
			(*p)[i].Value = value
			continue
		}
		entry, err := NewPattern(key, value)
		if err != nil {
			return err
		}
		if len(*p) == maxPatterns {
			return fmt.Errorf("at most %d patterns are allowed", maxPatterns)
		}
		seen[key] = len(*p)
		*p = append(*p, entry)
	}
	return nil
}

// MarshalJSON writes the object in the order of the list.
func (p patterns) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, entry := range p {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := json.Marshal(entry.Key)
		if err != nil {
			return nil, err
		}
		b = append(append(b, key...), ':')
		b = strconv.AppendFloat(b, entry.Value, 'g', -1, 64)
	}
	return append(b, '}'), nil
}

// Targets name modules: by the ends of their paths, or by one regular expression
// for whole paths. "all-linear" stands for all projections but the head.
type Targets struct {
	Names   []string
	Pattern string
}

const allLinear = "all-linear"

// UnmarshalJSON reads a list or a string.
func (t *Targets) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, &t.Names)
	}
	return json.Unmarshal(data, &t.Pattern)
}

// MarshalJSON writes what it read; null when there is nothing.
func (t Targets) MarshalJSON() ([]byte, error) {
	if t.Pattern != "" {
		return json.Marshal(t.Pattern)
	}
	return json.Marshal(t.Names)
}

// none tells that nothing is named.
func (t Targets) none() bool { return t.Pattern == "" && len(t.Names) == 0 }

// names tells whether t names a module (check_target_module_exists in
// peft/tuners/tuners_utils.py).
func (t Targets) names(path string) (bool, error) {
	if t.Pattern != "" {
		return regexp.MatchString(`^(?:`+t.Pattern+`)$`, path)
	}
	return slices.ContainsFunc(t.Names, func(name string) bool { return endsIn(path, name) }), nil
}

// endsIn tells whether name is the end of path, from a dot on.
func endsIn(path, name string) bool { return path == name || strings.HasSuffix(path, "."+name) }

// targeted tells whether the configuration asks for an update of a module. known
// is false when it does not say so in a way that can be followed: nothing is
// named, or by a regular expression that only Python understands.
func (c *Config) targeted(path string) (yes, known bool) {
	if c.Targets.none() {
		return false, false
	}
	if out, err := c.Exclude.names(path); err != nil || out {
		return false, err == nil
	}
	if slices.ContainsFunc(c.Save, func(name string) bool { return endsIn(path, name) }) {
		return false, true
	}
	if strings.EqualFold(c.Targets.Pattern, allLinear) {
		return path != "lm_head" && !isTable(path), true
	}
	if slices.Contains(c.Targets.Names, path) {
		return true, true // a whole path counts whatever the layers
	}
	in, err := c.Targets.names(path)
	if err != nil || !in || c.Targets.Pattern != "" || c.Layers == nil {
		return in && err == nil, err == nil
	}
	return c.inLayers(path)
}

var anyLayer = regexp.MustCompile(`^.*?\.[^.]*\.(\d+)\.`)

// inLayers applies layers_to_transform.
func (c *Config) inLayers(path string) (yes, known bool) {
	if len(c.Layers) == 0 {
		return true, true
	}
	found := anyLayer.FindStringSubmatch(path)
	if len(c.LayersPattern) > 0 {
		found = nil
		for _, p := range c.LayersPattern {
			re, err := regexp.Compile(`^(?:.*?\.)?(?:` + p + `)\.(?P<idx>\d+)\.`)
			if err != nil {
				return false, false
			}
			if found = re.FindStringSubmatch(path); found != nil {
				found = []string{"", found[re.SubexpIndex("idx")]}
				break
			}
		}
	}
	if found == nil {
		return false, true
	}
	n, err := strconv.Atoi(found[1])
	return err == nil && slices.Contains(c.Layers, n), true
}

// isTable tells the paths of tables that ids are looked up in.
func isTable(path string) bool {
	return strings.HasSuffix(path, "embed_tokens") || strings.HasSuffix(path, "_embeddings")
}
