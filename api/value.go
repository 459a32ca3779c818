package api

import (
	"math"
	"strconv"
	"strings"
)

// value is a JSON value with the path that errors name it by.
type value struct {
	d    *decoder
	path string
	raw  []byte
}

// kind is the JSON type in OpenAI's words, without the article.
func (v value) kind() string {
	switch c := v.raw[0]; {
	case c == '"':
		return "string"
	case c == '{':
		return "object"
	case c == '[':
		return "array"
	case c == 't' || c == 'f':
		return "boolean"
	case c == 'n':
		return "null"
	case strings.ContainsAny(string(v.raw), ".eE"):
		return "decimal"
	default:
		return "integer"
	}
}

func (v value) describe() string {
	switch k := v.kind(); k {
	case "null":
		return "null"
	case "array":
		if len(v.raw) > 1 && v.raw[skipSpace(v.raw, 1)] == ']' {
			return "an empty array"
		}
		return "an array"
	case "integer", "object":
		return "an " + k
	default:
		return "a " + k
	}
}

func (v value) wrongType(want string) {
	v.d.fail(invalid(v.path, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", v.path, want, v.describe()))
}

func (v value) string() string {
	if v.kind() != "string" {
		v.wrongType("a string")
		return ""
	}
	return unquote(v.raw)
}

func (v value) bool() bool {
	if v.kind() != "boolean" {
		v.wrongType("a boolean")
	}
	return v.raw[0] == 't'
}

// integer accepts 3 and 3.0, as OpenAI's server does.
func (v value) integer(lo, hi int64) int64 {
	k := v.kind()
	if k != "integer" && k != "decimal" {
		v.wrongType("an integer")
		return 0
	}
	n, err := strconv.ParseInt(string(v.raw), 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(string(v.raw), 64)
		switch {
		case f != math.Trunc(f) && ferr == nil:
			v.wrongType("an integer")
			return 0
		case f >= 1<<63 || (ferr != nil && f > 0):
			n = math.MaxInt64
			v.outside("integer", "above_max", "<=", strconv.FormatInt(hi, 10))
		case f < -1<<63 || ferr != nil:
			n = math.MinInt64
			v.outside("integer", "below_min", ">=", strconv.FormatInt(lo, 10))
		default:
			n = int64(f)
		}
	}
	if n < lo {
		v.outside("integer", "below_min", ">=", strconv.FormatInt(lo, 10))
	}
	if n > hi {
		v.outside("integer", "above_max", "<=", strconv.FormatInt(hi, 10))
	}
	return n
}

func (v value) number(lo, hi float64) float64 {
	k := v.kind()
	if k != "integer" && k != "decimal" {
		v.wrongType("a decimal")
		return 0
	}
	f, _ := strconv.ParseFloat(string(v.raw), 64) // out of range: ±Inf, caught below
	if f < lo {
		v.outside("decimal", "below_min", ">=", strconv.FormatFloat(lo, 'g', -1, 64))
	}
	if f > hi {
		v.outside("decimal", "above_max", "<=", strconv.FormatFloat(hi, 'g', -1, 64))
	}
	return f
}

func (v value) outside(kind, side, relation, bound string) {
	words := map[string]string{"above_max": "above maximum", "below_min": "below minimum"}[side]
	v.d.fail(invalid(v.path, kind+"_"+side+"_value", "Invalid '%s': %s %s value. Expected a value %s %s, but got %.40s instead.",
		v.path, kind, words, relation, bound, v.raw))
}

// items calls f for each item of an array of at most limit items.
func (v value) items(limit int, f func(i int, item value)) {
	if v.kind() != "array" {
		v.wrongType("an array")
		return
	}
	i := 0
	_ = eachItem(v.raw, func(raw []byte) error {
		if i == limit {
			v.d.fail(invalid(v.path, "array_above_max_length", "Invalid '%s': array too long. Expected an array with maximum length %d.", v.path, limit))
		}
		if v.d.err != nil {
			return v.d.err // ends the loop; the decoder holds it
		}
		f(i, value{v.d, v.path + "[" + strconv.Itoa(i) + "]", raw})
		i++
		return nil
	})
}

// strings reads a string, or a list of at most limit strings.
func (v value) strings(limit int) (list []string) {
	if v.kind() == "string" {
		return []string{v.string()}
	}
	v.items(limit, func(_ int, item value) { list = append(list, item.string()) })
	return list
}

// object reads v as an object: bind names its fields, the others are refused.
func (v value) object(bind func(o *object)) {
	if v.kind() != "object" {
		v.wrongType("an object")
		return
	}
	o := &object{d: v.d, path: v.path, raw: v.raw}
	_ = eachMember(v.raw, func(key string, raw []byte) error {
		o.members = append(o.members, member{key: key, raw: raw})
		return nil
	})
	bind(o)
	for _, m := range o.members {
		if path := join(o.path, m.key); !m.seen {
			o.d.refuse(path, invalid(path, "unknown_parameter", "Unknown parameter: '%s'.", path))
		}
	}
}

// entries calls f for each member of an object whose keys are the client's.
func (v value) entries(limit int, f func(key string, item value)) {
	if v.kind() != "object" {
		v.wrongType("an object")
		return
	}
	n := 0
	_ = eachMember(v.raw, func(key string, raw []byte) error {
		if n++; n > limit {
			v.d.fail(invalid(v.path, "object_above_max_properties", "Invalid '%s': too many properties. Expected an object with at most %d properties.", v.path, limit))
		}
		if v.d.err != nil {
			return v.d.err // ends the loop; the decoder holds it
		}
		f(key, value{v.d, join(v.path, key), raw})
		return nil
	})
}
