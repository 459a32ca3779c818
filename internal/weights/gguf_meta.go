package weights

import (
	"encoding/binary"
	"fmt"
	"math"
)

// kind is the type of a metadata value, numbered as in the file.
type kind uint32

const (
	kindUint8 kind = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

var kindNames = [...]string{"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array", "uint64", "int64", "float64"}

// kindSizes is bytes per value; 0 for those whose size varies.
var kindSizes = [...]int{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}

// maxNesting bounds arrays of arrays; files in use have none.
const maxNesting = 4

// Metadata is the key-value pairs of a GGUF file. Values are decoded when asked
// for; what is returned stays valid after the file is closed, and belongs to the
// caller. It may be read by many goroutines.
type Metadata struct {
	keys   []string
	values map[string]value
	head   string // the file from its start to the end of the tensor list
}

// value lies at head[at:end]: n items of kind, one after the other.
type value struct {
	array   bool
	kind    kind
	n       int
	at, end int
}

// parseMetadata reads pairs key-value pairs.
func parseMetadata(c *cursor, pairs int) (*Metadata, error) {
	m := &Metadata{values: map[string]value{}}
	for i := range pairs {
		key := string(c.text(fmt.Sprintf("metadata key %d", i)))
		if c.err != nil {
			return nil, c.err
		}
		if _, ok := m.values[key]; ok {
			return nil, fmt.Errorf("metadata %s is there twice", key)
		}
		v := value{kind: kind(c.u32("metadata " + key + ": kind")), n: 1}
		if v.kind == kindArray {
			v.array = true
			v.kind, v.n = arrayHead(c, key)
		}
		v.at = c.at
		skip(c, key, v.kind, v.n, 1)
		v.end = c.at
		if c.err != nil {
			return nil, c.err
		}
		m.keys = append(m.keys, key)
		m.values[key] = v
	}
	return m, nil
}

// arrayHead reads the kind and number of the items of an array.
func arrayHead(c *cursor, key string) (kind, int) {
	k := kind(c.u32("metadata " + key + ": kind of items"))
	size := 12 // of an array: kind and number
	switch {
	case uint64(k) >= uint64(len(kindSizes)): // skip complains
		size = 1
	case k == kindString:
		size = 8
	case k != kindArray:
		size = kindSizes[k]
	}
	return k, c.count(size, "metadata "+key+": number of items")
}

// skip moves past n values of kind k, all of which must be there.
func skip(c *cursor, key string, k kind, n, depth int) {
	what := "metadata " + key
	switch {
	case c.err != nil:
	case uint64(k) >= uint64(len(kindSizes)):
		c.err = fmt.Errorf("%s: kind %d is not known", what, k)
	case k == kindString:
		for i := 0; i < n && c.err == nil; i++ {
			c.text(what)
		}
	case k == kindArray && depth >= maxNesting:
		c.err = fmt.Errorf("%s: arrays are nested more than %d deep", what, maxNesting)
	case k == kindArray:
		for i := 0; i < n && c.err == nil; i++ {
			inner, m := arrayHead(c, key)
			skip(c, key, inner, m, depth+1)
		}
	default:
		c.take(uint64(n)*uint64(kindSizes[k]), what)
	}
}

// alignment is what offsets of tensors are multiples of.
func (m *Metadata) alignment() (int, error) {
	const key, usual = "general.alignment", 32
	if m.Kind(key) == "" {
		return usual, nil
	}
	n, ok := m.Uint(key)
	if !ok || n == 0 || n&(n-1) != 0 || n > 1<<20 {
		return 0, fmt.Errorf("metadata %s: %s %d, want a power of two", key, m.Kind(key), n)
	}
	return int(n), nil
}

// Keys lists the keys in the order of the file.
func (m *Metadata) Keys() []string { return append([]string(nil), m.keys...) }

// Kind says what is stored under key: "uint32", "array of string"; "" when there
// is nothing.
func (m *Metadata) Kind(key string) string {
	v, ok := m.values[key]
	switch {
	case !ok:
		return ""
	case v.array:
		return "array of " + kindNames[v.kind]
	}
	return kindNames[v.kind]
}

// Len is the number of items of an array, 1 for a single value and 0 for none.
func (m *Metadata) Len(key string) int { return m.values[key].n }

// single is the value under key, which must not be an array.
func (m *Metadata) single(key string) (v value, raw uint64, ok bool) {
	v, ok = m.values[key]
	if !ok || v.array || v.kind == kindString {
		return v, 0, false
	}
	return v, m.bits(v, 0), true
}

// bits is item i of v, widened to 64 bits by its sign.
func (m *Metadata) bits(v value, i int) uint64 {
	size := kindSizes[v.kind]
	var b [8]byte
	copy(b[:], m.head[v.at+i*size:v.at+(i+1)*size])
	u := binary.LittleEndian.Uint64(b[:])
	switch v.kind {
	case kindInt8:
		return uint64(int8(u))
	case kindInt16:
		return uint64(int16(u))
	case kindInt32:
		return uint64(int32(u))
	}
	return u
}

func (k kind) signed() bool {
	return k == kindInt8 || k == kindInt16 || k == kindInt32 || k == kindInt64
}

func (k kind) unsigned() bool {
	return k == kindUint8 || k == kindUint16 || k == kindUint32 || k == kindUint64
}

// String is the string under key. ok is false when there is nothing or when it is
// of another kind; so it is for all that follow.
func (m *Metadata) String(key string) (s string, ok bool) {
	v, ok := m.values[key]
	if !ok || v.array || v.kind != kindString {
		return "", false
	}
	return m.head[v.at+8 : v.end], true
}

// Uint is an integer of any width that is not negative.
func (m *Metadata) Uint(key string) (n uint64, ok bool) {
	v, n, ok := m.single(key)
	if !ok || !v.kind.unsigned() && (!v.kind.signed() || int64(n) < 0) {
		return 0, false
	}
	return n, true
}

// Int is an integer of any width.
func (m *Metadata) Int(key string) (n int64, ok bool) {
	v, u, ok := m.single(key)
	if !ok || !v.kind.signed() && (!v.kind.unsigned() || int64(u) < 0) {
		return 0, false
	}
	return int64(u), true
}

// Float is a number of any kind.
func (m *Metadata) Float(key string) (f float64, ok bool) {
	v, u, ok := m.single(key)
	if !ok || v.kind == kindBool {
		return 0, false
	}
	return v.float(u), true
}

func (v value) float(u uint64) float64 {
	switch {
	case v.kind == kindFloat32:
		return float64(math.Float32frombits(uint32(u)))
	case v.kind == kindFloat64:
		return math.Float64frombits(u)
	case v.kind.signed():
		return float64(int64(u))
	}
	return float64(u)
}

// Bool is a truth value.
func (m *Metadata) Bool(key string) (b, ok bool) {
	v, u, ok := m.single(key)
	if !ok || v.kind != kindBool {
		return false, false
	}
	return u != 0, true
}

// Strings is an array of strings.
func (m *Metadata) Strings(key string) (list []string, ok bool) {
	v, ok := m.values[key]
	if !ok || !v.array || v.kind != kindString {
		return nil, false
	}
	list = make([]string, v.n)
	for i, at := 0, v.at; i < v.n; i++ {
		var b [8]byte
		copy(b[:], m.head[at:at+8])
		end := at + 8 + int(binary.LittleEndian.Uint64(b[:]))
		list[i], at = m.head[at+8:end], end
	}
	return list, true
}

// Ints is an array of integers of any width.
func (m *Metadata) Ints(key string) (list []int64, ok bool) {
	v, ok := m.values[key]
	if !ok || !v.array || !v.kind.signed() && !v.kind.unsigned() {
		return nil, false
	}
	list = make([]int64, v.n)
	for i := range list {
		u := m.bits(v, i)
		if v.kind == kindUint64 && int64(u) < 0 {
			return nil, false
		}
		list[i] = int64(u)
	}
	return list, true
}

// Floats is an array of numbers of any kind, rounded to float32.
func (m *Metadata) Floats(key string) (list []float32, ok bool) {
	v, ok := m.values[key]
	if !ok || !v.array || v.kind == kindString || v.kind == kindArray || v.kind == kindBool {
		return nil, false
	}
	list = make([]float32, v.n)
	for i := range list {
		list[i] = float32(v.float(m.bits(v, i)))
	}
	return list, true
}

// Bools is an array of truth values.
func (m *Metadata) Bools(key string) (list []bool, ok bool) {
	v, ok := m.values[key]
	if !ok || !v.array || v.kind != kindBool {
		return nil, false
	}
	list = make([]bool, v.n)
	for i := range list {
		list[i] = m.bits(v, i) != 0
	}
	return list, true
}
