package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// value is a JSON value of a line, and where it stands.
type value struct {
	raw  json.RawMessage
	path string
	line int
	to   *Problems
}

func (v value) problem(code, text, fix string) { v.to.add(v.line, v.path, code, text, fix) }

// kind names the type of a value.
func (v value) kind() string {
	raw := bytes.TrimSpace(v.raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

func (v value) want(kind string) bool {
	if have := v.kind(); have != kind {
		v.problem("data_type", fmt.Sprintf("is %s, want %s", have, kind), "write "+kind)
		return false
	}
	return true
}

// text reads a string.
func (v value) text() (s string, ok bool) {
	if !v.want("a string") || json.Unmarshal(v.raw, &s) != nil {
		return "", false
	}
	if !pairedSurrogates(v.raw) {
		v.problem("invalid_unicode", "has half of a surrogate pair (\\ud800 to \\udfff)", "write the character itself, in UTF-8")
		return "", false
	}
	return s, true
}

// pairedSurrogates tells whether the escapes of UTF-16 surrogates come in pairs.
func pairedSurrogates(raw []byte) bool {
	high := false
	for i := 0; i < len(raw); i++ {
		unit := uint64(0)
		if raw[i] == '\\' && i+1 < len(raw) {
			if i++; raw[i] == 'u' && i+4 < len(raw) {
				unit, _ = strconv.ParseUint(string(raw[i+1:i+5]), 16, 16)
				i += 4
			}
		}
		low := unit >= 0xdc00 && unit < 0xe000
		if low != high {
			return false
		}
		high = unit >= 0xd800 && unit < 0xdc00
	}
	return !high
}

// items reads an array.
func (v value) items(most int) []value {
	var list []json.RawMessage
	if !v.want("an array") || json.Unmarshal(v.raw, &list) != nil {
		return nil
	}
	if len(list) > most {
		v.problem("too_many", fmt.Sprintf("has %d items, at most %d are allowed", len(list), most), "shorten it")
		return nil
	}
	out := make([]value, len(list))
	for i, raw := range list {
		out[i] = value{raw, fmt.Sprintf("%s[%d]", v.path, i), v.line, v.to}
	}
	return out
}

// object is a JSON object whose keys are all to be asked for.
type object struct {
	value
	keys   []string // as written
	values map[string]json.RawMessage
	asked  []string
}

// object reads an object. ok is false if it is none.
func (v value) object() (o *object, ok bool) {
	if !v.want("an object") {
		return nil, false
	}
	o = &object{value: v, values: map[string]json.RawMessage{}}
	d := json.NewDecoder(bytes.NewReader(v.raw))
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	for d.More() {
		key, err := d.Token()
		name, isText := key.(string)
		var raw json.RawMessage
		if err != nil || !isText || d.Decode(&raw) != nil {
			return nil, false
		}
		if _, twice := o.values[name]; twice {
			o.at(name).problem("duplicate_key", "is there twice", "keep one")
			continue
		}
		o.keys, o.values[name] = append(o.keys, name), raw
	}
	return o, true
}

// at is the value of a key, there or not.
func (o *object) at(key string) value {
	path := key
	if o.path != "" {
		path = o.path + "." + key
	}
	return value{o.values[key], path, o.line, o.to}
}

// find reads a key that may be missing; null is as good as missing.
func (o *object) find(key string) (v value, ok bool) {
	o.asked = append(o.asked, key)
	v = o.at(key)
	return v, len(v.raw) > 0 && v.kind() != "null"
}

// need reads a key that must be there.
func (o *object) need(key string) (v value, ok bool) {
	if v, ok = o.find(key); !ok {
		text, fix := "is missing", "add it"
		if len(v.raw) > 0 {
			text, fix = "is null", "give a value"
		}
		v.problem("message_missing_key", text, fix)
	}
	return v, ok
}

// string reads a key that may be missing.
func (o *object) string(key string) (s string) {
	if v, ok := o.find(key); ok {
		s, _ = v.text()
	}
	return s
}

// done reports the keys that nobody asked for.
func (o *object) done() {
	for _, key := range o.keys {
		if !slices.Contains(o.asked, key) {
			known := slices.Clone(o.asked)
			slices.Sort(known)
			o.at(key).problem("message_unrecognized_key", "is not a known key", "remove it; known are "+strings.Join(slices.Compact(known), ", "))
		}
	}
}
