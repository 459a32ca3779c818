package tokenizer

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks over JSON text without building a tree of it: vocabularies of
// half a million strings are read straight into their tables. It is lenient
// about what it only skips, and strict about what it reads.
type scanner struct {
	b       []byte
	i       int
	scratch []byte
}

const maxDepth = 64 // of nested values

var errShort = errors.New("the JSON ends too soon")

func (s *scanner) fail(want string) error {
	if s.i >= len(s.b) {
		return errShort
	}
	return fmt.Errorf("byte %d: want %s, have %q", s.i, want, s.b[s.i])
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\n', '\r', '\t':
			s.i++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) error {
	if s.peek() != c {
		return s.fail(strconv.QuoteRune(rune(c)))
	}
	s.i++
	return nil
}

// object calls f for each member, with the scanner at the value, which f must
// read. The key is good until then.
func (s *scanner) object(f func(key []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	return s.members('}', func() error {
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return f(key)
	})
}

// array calls f for each element, with the scanner at the element, which f must read.
func (s *scanner) array(f func() error) error {
	if err := s.expect('['); err != nil {
		return err
	}
	return s.members(']', f)
}

func (s *scanner) members(end byte, f func() error) error {
	if s.peek() == end {
		s.i++
		return nil
	}
	for {
		if err := f(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.i++
		case end:
			s.i++
			return nil
		default:
			return s.fail("a comma or " + strconv.QuoteRune(rune(end)))
		}
	}
}

// str reads a string. The result is good until the next call.
func (s *scanner) str() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1], nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return nil, s.fail("no control character in a string")
		}
		s.i++
	}
	return nil, errShort
}

// escaped reads the rest of a string that has escapes in it.
func (s *scanner) escaped(start int) ([]byte, error) {
	out := append(s.scratch[:0], s.b[start:s.i]...)
	for s.i < len(s.b) {
		c := s.b[s.i]
		s.i++
		switch {
		case c == '"':
			s.scratch = out
			return out, nil
		case c < ' ':
			s.i--
			return nil, s.fail("no control character in a string")
		case c != '\\':
			out = append(out, c)
		case s.i >= len(s.b):
			return nil, errShort
		default:
			c = s.b[s.i]
			s.i++
			switch c {
			case '"', '\\', '/':
				out = append(out, c)
			case 'b':
				out = append(out, '\b')
			case 'f':
				out = append(out, '\f')
			case 'n':
				out = append(out, '\n')
			case 'r':
				out = append(out, '\r')
			case 't':
				out = append(out, '\t')
			case 'u':
				r, err := s.unicode()
				if err != nil {
					return nil, err
				}
				out = utf8.AppendRune(out, r)
			default:
				s.i--
				return nil, s.fail("an escape")
			}
		}
	}
	return nil, errShort
}

// unicode reads the digits after \u, and the second half of a surrogate pair.
// A lone surrogate is U+FFFD.
func (s *scanner) unicode() (rune, error) {
	r, err := s.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if s.i+1 < len(s.b) && s.b[s.i] == '\\' && s.b[s.i+1] == 'u' {
		at := s.i
		s.i += 2
		low, err := s.hex4()
		if err != nil {
			return 0, err
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, nil
		}
		s.i = at
	}
	return utf8.RuneError, nil
}

func (s *scanner) hex4() (rune, error) {
	if len(s.b)-s.i < 4 {
		return 0, errShort
	}
	v, err := strconv.ParseUint(string(s.b[s.i:s.i+4]), 16, 16)
	if err != nil {
		return 0, s.fail("four hexadecimal digits")
	}
	s.i += 4
	return rune(v), nil
}

// number reads a number as it is written.
func (s *scanner) number() (string, error) {
	s.peek()
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			s.i++
			continue
		}
		break
	}
	if s.i == start {
		return "", s.fail("a number")
	}
	return string(s.b[start:s.i]), nil
}

func (s *scanner) integer() (int64, error) {
	at := s.i
	if s.peek(); s.i < len(s.b) && s.b[s.i] >= '1' && s.b[s.i] <= '9' { // nearly always
		v := int64(0)
		for i := s.i; i < len(s.b) && i < s.i+18; i++ {
			c := s.b[i]
			if c < '0' || c > '9' {
				if c == '.' || c == 'e' || c == 'E' {
					break
				}
				s.i = i
				return v, nil
			}
			v = 10*v + int64(c-'0')
		}
	}
	text, err := s.number()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("byte %d: want a whole number, have %s", at, clip(text))
	}
	return v, nil
}

// skip passes over a value and returns its text, unchecked.
func (s *scanner) skip() ([]byte, error) {
	s.peek()
	start, depth := s.i, 0
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case '"':
			if err := s.skipString(); err != nil {
				return nil, err
			}
		case '{', '[':
			s.i++
			if depth++; depth > maxDepth {
				return nil, fmt.Errorf("byte %d: nested more than %d deep", s.i, maxDepth)
			}
			continue
		case '}', ']':
			if depth == 0 {
				return nil, s.fail("a value")
			}
			s.i++
			depth--
		case ',':
			if depth == 0 {
				return nil, s.fail("a value")
			}
			s.i++
			continue
		case ' ', '\n', '\r', '\t', ':':
			s.i++
			continue
		default:
			for s.i < len(s.b) && !isDelimiter(s.b[s.i]) {
				s.i++
			}
		}
		if depth == 0 {
			return s.b[start:s.i], nil
		}
	}
	return nil, errShort
}

func isDelimiter(c byte) bool {
	switch c {
	case ' ', '\n', '\r', '\t', ',', ':', '"', '{', '}', '[', ']':
		return true
	}
	return false
}

func (s *scanner) skipString() error {
	for i := s.i + 1; i < len(s.b); i++ {
		switch s.b[i] {
		case '\\':
			i++
		case '"':
			s.i = i + 1
			return nil
		}
	}
	s.i = len(s.b)
	return errShort
}
