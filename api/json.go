package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds how deep a request's JSON may nest; tool schemas rarely pass 20.
const maxDepth = 100

// member is one key of a JSON object with its value as it was sent.
type member struct {
	key  string
	raw  []byte
	seen bool // a reader has asked for it
}

// checkJSON proves that body is one JSON value in UTF-8, not too deep, and that
// no object in it has a key twice: the rest of this file relies on all of that.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return badJSON("the body is not UTF-8")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return badJSON("the body is empty")
	}
	var raw json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return badJSON(fmt.Sprintf("%v, at byte %d", err, syntax.Offset))
		}
		return badJSON(err.Error())
	}
	_, err := checkValue(raw, 0, "", 0)
	return err
}

func badJSON(reason string) *Error {
	return &Error{Status: 400, Type: invalidRequest, Code: "invalid_json",
		Message: "We could not parse the JSON body of your request: " + reason + "."}
}

// checkValue checks the value that begins at i and returns where it ends.
func checkValue(raw []byte, i int, path string, depth int) (end int, err error) {
	if depth > maxDepth {
		return 0, badJSON(fmt.Sprintf("it nests deeper than %d levels", maxDepth))
	}
	switch raw[i] {
	case '{':
		keys := map[string]bool{}
		for i = skipSpace(raw, i+1); raw[i] != '}'; {
			end = skipValue(raw, i)
			key := unquote(raw[i:end])
			inside := join(path, key)
			if keys[key] {
				return 0, invalid(inside, "duplicate_key", "The key '%s' appears twice.", inside)
			}
			keys[key] = true
			i = skipSpace(raw, skipSpace(raw, end)+1) // past the colon
			if end, err = checkValue(raw, i, inside, depth+1); err != nil {
				return 0, err
			}
			if i = skipSpace(raw, end); raw[i] == ',' {
				i = skipSpace(raw, i+1)
			}
		}
		return i + 1, nil
	case '[':
		i = skipSpace(raw, i+1)
		for n := 0; raw[i] != ']'; n++ {
			inside := ""
			if raw[i] == '{' || raw[i] == '[' { // else nothing in it can go wrong
				inside = path + "[" + strconv.Itoa(n) + "]"
			}
			if end, err = checkValue(raw, i, inside, depth+1); err != nil {
				return 0, err
			}
			if i = skipSpace(raw, end); raw[i] == ',' {
				i = skipSpace(raw, i+1)
			}
		}
		return i + 1, nil
	}
	return skipValue(raw, i), nil
}

// join names a field inside path.
func join(path, key string) string {
	key = clip(key, 100)
	if path == "" {
		return key
	}
	return path + "." + key
}

// eachMember calls f for the members of a valid JSON object, in order.
func eachMember(raw []byte, f func(key string, value []byte) error) error {
	i := skipSpace(raw, 1)
	for raw[i] != '}' {
		end := skipValue(raw, i)
		key := unquote(raw[i:end])
		i = skipSpace(raw, skipSpace(raw, end)+1) // past the colon
		end = skipValue(raw, i)
		if err := f(key, raw[i:end]); err != nil {
			return err
		}
		if i = skipSpace(raw, end); raw[i] == ',' {
			i = skipSpace(raw, i+1)
		}
	}
	return nil
}

// eachItem calls f for the items of a valid JSON array, in order.
func eachItem(raw []byte, f func(value []byte) error) error {
	i := skipSpace(raw, 1)
	for raw[i] != ']' {
		end := skipValue(raw, i)
		if err := f(raw[i:end]); err != nil {
			return err
		}
		if i = skipSpace(raw, end); raw[i] == ',' {
			i = skipSpace(raw, i+1)
		}
	}
	return nil
}

func skipSpace(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\n' || raw[i] == '\t' || raw[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns where the valid JSON value that begins at i ends.
func skipValue(raw []byte, i int) int {
	switch raw[i] {
	case '"':
		for i++; raw[i] != '"'; i++ {
			if raw[i] == '\\' {
				i++
			}
		}
		return i + 1
	case '{', '[':
		depth := 0
		for ; ; i++ {
			switch raw[i] {
			case '"':
				i = skipValue(raw, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	default: // number, true, false, null
		for i < len(raw) && raw[i] != ',' && raw[i] != '}' && raw[i] != ']' && skipSpace(raw, i) == i {
			i++
		}
		return i
	}
}

// unquote reads a valid JSON string; half a surrogate pair becomes U+FFFD.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // valid: checkJSON has read it
	return s
}
