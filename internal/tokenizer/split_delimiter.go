package tokenizer

import (
	"fmt"
	"strings"
)

// delimiter finds what a text is cut at: match is the length of the delimiter
// at s[i:], 0 if there is none; next is where the first one at i or later
// begins, or the end of the text.
type delimiter interface {
	match(s string, i int) int
	next(s string, i int) int
}

// literal is a delimiter that is a string.
type literal string

func (d literal) match(s string, i int) int {
	if strings.HasPrefix(s[i:], string(d)) {
		return len(d)
	}
	return 0
}

func (d literal) next(s string, i int) int {
	if k := strings.Index(s[i:], string(d)); k >= 0 {
		return i + k
	}
	return len(s)
}

// runes is a delimiter that is any one rune with a property; with many, a run
// of them is one.
type runes struct {
	is   func(r rune) bool
	many int // longest run
}

func (d runes) match(s string, i int) int {
	j := i
	for n := 0; n < d.many; n++ {
		r, size := runeAt(s, j)
		if size == 0 || !d.is(r) {
			break
		}
		j += size
	}
	return j - i
}

func (d runes) next(s string, i int) int {
	if k := strings.IndexFunc(s[i:], d.is); k >= 0 {
		return i + k
	}
	return len(s)
}

// splitAt returns the splitter for a delimiter. behavior is one of tokenizers'
// SplitDelimiterBehavior; with invert, what lies between is the delimiter.
func splitAt(d delimiter, behavior string, invert bool) (splitter, error) {
	if invert && behavior != "Isolated" && behavior != "Removed" {
		return nil, fmt.Errorf("behavior %s, inverted, is not supported", behavior)
	}
	switch behavior {
	case "Isolated", "Removed":
		return func(s string, i int) (int, bool) {
			if n := d.match(s, i); n > 0 {
				return i + n, behavior == "Isolated" || invert
			}
			return d.next(s, i), behavior == "Isolated" || !invert
		}, nil
	case "Contiguous":
		return func(s string, i int) (int, bool) {
			j := i
			for j < len(s) {
				n := d.match(s, j)
				if n == 0 {
					break
				}
				j += n
			}
			if j > i {
				return j, true
			}
			return d.next(s, i), true
		}, nil
	case "MergedWithPrevious":
		return func(s string, i int) (int, bool) {
			j := d.next(s, i)
			if j < len(s) {
				j += d.match(s, j)
			}
			return j, true
		}, nil
	case "MergedWithNext":
		return func(s string, i int) (int, bool) {
			if j := i + d.match(s, i); j < len(s) {
				return d.next(s, j), true
			}
			return len(s), true
		}, nil
	}
	return nil, fmt.Errorf("behavior %q is not known", behavior)
}
