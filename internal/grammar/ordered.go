package grammar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth bounds the nesting of a schema.
const maxDepth = 200

// value is decoded JSON: nil, bool, json.Number, string, []value or *dict.
type value any

// dict is a JSON object that keeps its keys in order.
type dict struct {
	keys []string
	vals map[string]value
}

func (d *dict) has(key string) bool {
	_, ok := d.vals[key]
	return ok
}

// decode reads one JSON value, keys in order, the last of duplicates winning.
func decode(data []byte) (value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := decodeValue(dec, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

func decodeValue(dec *json.Decoder, depth int) (value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxDepth)
	}
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('['):
		list := []value{}
		for dec.More() {
			v, err := decodeValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	case json.Delim('{'):
		d := &dict{vals: map[string]value{}}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			k, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("key %v is not a string", key)
			}
			v, err := decodeValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			if !d.has(k) {
				d.keys = append(d.keys, k)
			}
			d.vals[k] = v
		}
		_, err := dec.Token()
		return d, err
	}
	return tok, nil
}

// encode writes v as compact JSON, as models write it: no HTML escapes.
func encode(v value) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case json.Number:
		return v.String()
	case []value:
		out := []byte{'['}
		for i, e := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, encode(e)...)
		}
		return string(append(out, ']'))
	case *dict:
		out := []byte{'{'}
		for i, k := range v.keys {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, encode(k)...)
			out = append(out, ':')
			out = append(out, encode(v.vals[k])...)
		}
		return string(append(out, '}'))
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null" // bool and string always encode
	}
	return string(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}
