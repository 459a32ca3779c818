package weights

import (
	"encoding/binary"
	"fmt"
	"reflect"
)

// Pair is one key of GGUF metadata. Value is a string, a bool, an integer or
// float of fixed size, or a slice of one of these.
type Pair struct {
	Key   string
	Value any
}

// Value is the value under key in the Go type of the same width, as Pair takes
// it; nil when there is nothing, or arrays of arrays.
func (m *Metadata) Value(key string) any {
	v, ok := m.values[key]
	if !ok || v.kind == kindArray {
		return nil
	}
	if v.kind == kindString {
		if s, ok := m.String(key); ok {
			return s
		}
		list, _ := m.Strings(key)
		return list
	}
	raw := []byte(m.head[v.at:v.end])
	out := reflect.New(kindTypes[v.kind])
	if v.array {
		out = reflect.New(reflect.SliceOf(kindTypes[v.kind]))
		out.Elem().Set(reflect.MakeSlice(out.Elem().Type(), v.n, v.n))
	}
	if _, err := binary.Decode(raw, binary.LittleEndian, out.Interface()); err != nil {
		panic(err) // the lengths were checked when the file was read
	}
	return out.Elem().Interface()
}

// Pairs is all that Value knows, in the order of the file.
func (m *Metadata) Pairs() []Pair {
	var pairs []Pair
	for _, key := range m.keys {
		if v := m.Value(key); v != nil {
			pairs = append(pairs, Pair{key, v})
		}
	}
	return pairs
}

// kindTypes are the Go types of the kinds of fixed size.
var kindTypes = map[kind]reflect.Type{
	kindUint8: reflect.TypeFor[uint8](), kindInt8: reflect.TypeFor[int8](),
	kindUint16: reflect.TypeFor[uint16](), kindInt16: reflect.TypeFor[int16](),
	kindUint32: reflect.TypeFor[uint32](), kindInt32: reflect.TypeFor[int32](),
	kindUint64: reflect.TypeFor[uint64](), kindInt64: reflect.TypeFor[int64](),
	kindFloat32: reflect.TypeFor[float32](), kindFloat64: reflect.TypeFor[float64](),
	kindBool: reflect.TypeFor[bool](),
}

// kindOf is the kind in which a Go type is stored.
var kindOf = map[reflect.Kind]kind{
	reflect.Uint8: kindUint8, reflect.Int8: kindInt8, reflect.Uint16: kindUint16, reflect.Int16: kindInt16,
	reflect.Uint32: kindUint32, reflect.Int32: kindInt32, reflect.Float32: kindFloat32, reflect.Bool: kindBool,
	reflect.String: kindString, reflect.Uint64: kindUint64, reflect.Int64: kindInt64, reflect.Float64: kindFloat64,
}

func appendPair(b []byte, p Pair) ([]byte, error) {
	b = appendText(b, p.Key)
	t := reflect.TypeOf(p.Value)
	if t == nil {
		return nil, fmt.Errorf("metadata %s: no value", p.Key)
	}
	array := t.Kind() == reflect.Slice
	if array {
		t = t.Elem()
	}
	k, ok := kindOf[t.Kind()]
	if !ok {
		return nil, fmt.Errorf("metadata %s: a %T cannot be stored", p.Key, p.Value)
	}
	n := 1
	if array {
		n = reflect.ValueOf(p.Value).Len()
		b = binary.LittleEndian.AppendUint32(b, uint32(kindArray))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(k))
	if array {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	switch v := p.Value.(type) {
	case string:
		return appendText(b, v), nil
	case []string:
		for _, s := range v {
			b = appendText(b, s)
		}
		return b, nil
	}
	b, err := binary.Append(b, binary.LittleEndian, p.Value)
	if err != nil {
		return nil, fmt.Errorf("metadata %s: %w", p.Key, err)
	}
	return b, nil
}
