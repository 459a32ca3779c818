package jinja

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
)

// ParseJSON reads one JSON value as Python's json.loads does: objects keep the
// order of their keys, whole numbers are exact. All of its text counts as
// coming from source.
func ParseJSON(data []byte, source Source) (v Value, err error) {
	defer rescue(&err, func() int { return 0 })
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if v, err = parseJSON(d, source, 0); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("JSON: there is something behind the value")
	}
	return v, nil
}

func parseJSON(d *json.Decoder, source Source, depth int) (Value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("JSON: nested more than %d levels deep", maxDepth)
	}
	t, err := d.Token()
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("JSON: %w", err)
	}
	switch x := t.(type) {
	case string:
		return Text(x, source), nil
	case json.Number:
		return parseNumber(x.String())
	case json.Delim:
		if x == '[' {
			return parseArray(d, source, depth)
		}
		return parseObject(d, source, depth)
	}
	return t, nil // nil, bool
}

func parseNumber(s string) (Value, error) {
	if strings.ContainsAny(s, ".eE") {
		f, _ := strconv.ParseFloat(s, 64) // too large is infinite, as in Python
		return f, nil
	}
	if len(s) > 4300 {
		return nil, fmt.Errorf("JSON: an integer of %d digits is too large", len(s))
	}
	z, _ := new(big.Int).SetString(s, 10)
	return fromBig(z), nil
}

func parseArray(d *json.Decoder, source Source, depth int) (Value, error) {
	out := NewList(source)
	for d.More() {
		v, err := parseJSON(d, source, depth+1)
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, v)
	}
	_, err := d.Token()
	return out, err
}

func parseObject(d *json.Decoder, source Source, depth int) (Value, error) {
	out := NewDict(source)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("JSON: %w", err)
		}
		v, err := parseJSON(d, source, depth+1)
		if err != nil {
			return nil, err
		}
		out.set(Text(key.(string), source), v)
	}
	_, err := d.Token()
	return out, err
}
