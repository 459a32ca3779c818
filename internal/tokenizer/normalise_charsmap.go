package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// charsmap is SentencePiece's compiled table of replacements (Precompiled): a
// double array of the strings replaced, and the replacements, each ended by a
// zero byte.
//
//	u32 length of the array in bytes, u32 units…, replacements
//
// It is applied as tokenizers does (spm_precompiled): to a whole grapheme of
// fewer than six bytes, by the shortest key that it starts with, else rune by
// rune.
type charsmap struct {
	units []uint32
	text  string
}

func newCharsmap(data []byte) (*charsmap, error) {
	if len(data) < 4 {
		return nil, errors.New("precompiled_charsmap is cut short")
	}
	size := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if uint64(size) > uint64(len(data)) || size%4 != 0 || size == 0 {
		return nil, fmt.Errorf("precompiled_charsmap: an array of %d bytes, in %d", size, len(data))
	}
	m := &charsmap{units: make([]uint32, size/4), text: string(data[size:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return m, nil
}

// unit of a double array (darts-clone): what it says of its children and itself.
func unitLabel(u uint32) uint32  { return u & (1<<31 | 0xFF) }
func unitValue(u uint32) uint32  { return u & (1<<31 - 1) }
func unitLeaf(u uint32) bool     { return u>>8&1 == 1 }
func unitOffset(u uint32) uint32 { return u >> 10 << (u >> 6 & 8) }

// find returns the replacement for the shortest key that s starts with.
func (m *charsmap) find(s string) (string, bool) {
	at := unitOffset(m.units[0])
	for i := range len(s) {
		if s[i] == 0 {
			break
		}
		at ^= uint32(s[i])
		if at >= uint32(len(m.units)) {
			break
		}
		u := m.units[at]
		if unitLabel(u) != uint32(s[i]) {
			break
		}
		at ^= unitOffset(u)
		if !unitLeaf(u) {
			continue
		}
		if at >= uint32(len(m.units)) {
			break
		}
		value := unitValue(m.units[at])
		if value > uint32(len(m.text)) {
			break
		}
		text, _, _ := strings.Cut(m.text[value:], "\x00")
		return text, true
	}
	return "", false
}

func (m *charsmap) normalise(t text, align bool) text {
	w := rewrite(t, align)
	for i := 0; i < len(t.s); {
		j := graphemeEnd(t.s, i)
		if j-i < 6 {
			if s, ok := m.find(t.s[i:j]); ok {
				w.put(s, i, j)
				i = j
				continue
			}
		}
		for i < j {
			_, n := runeAt(t.s, i)
			if s, ok := m.find(t.s[i : i+n]); ok {
				w.put(s, i, i+n)
			} else {
				w.copy(i, i+n)
			}
			i += n
		}
	}
	return w.done()
}

// graphemeEnd returns the end of the grapheme cluster at s[i:] (UAX 29), but for
// the rules that only make clusters of six bytes and more longer: emoji
// sequences, flags and Indic conjuncts.
func graphemeEnd(s string, i int) int {
	prev, n := graphemeAt(s, i)
	j := i + n
	for j < len(s) {
		next, n := graphemeAt(s, j)
		if !joins(prev, next) {
			break
		}
		prev = next
		j += n
	}
	return j
}

// grapheme classes (UAX 29, table 2).
type grapheme int

const (
	other grapheme = iota
	carriage
	linefeed
	breaking // Control
	extend   // Extend and ZWJ
	spacing
	leading // Prepend
	hangulL
	hangulV
	hangulT
	hangulLV
	hangulLVT
)

// joins says whether there is no boundary between two classes.
func joins(a, b grapheme) bool {
	switch {
	case a == carriage && b == linefeed:
		return true
	case a == carriage, a == linefeed, a == breaking, b == carriage, b == linefeed, b == breaking:
		return false
	case b == extend, b == spacing, a == leading:
		return true
	case a == hangulL:
		return b == hangulL || b == hangulV || b == hangulLV || b == hangulLVT
	case a == hangulLV, a == hangulV:
		return b == hangulV || b == hangulT
	case a == hangulLVT, a == hangulT:
		return b == hangulT
	}
	return false
}

func graphemeAt(s string, i int) (grapheme, int) {
	r, n := runeAt(s, i)
	if r >= ' ' && r < 0x7F {
		return other, n
	}
	switch {
	case r == '\r':
		return carriage, n
	case r == '\n':
		return linefeed, n
	case r == 0x200C, r == 0x200D, unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Grapheme_Extend), r >= 0x1F3FB && r <= 0x1F3FF:
		return extend, n
	case r == 0x0E33, r == 0x0EB3, unicode.Is(unicode.Mc, r) && !unicode.Is(notSpacing, r):
		return spacing, n
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r), unicode.Is(prepended, r):
		return leading, n
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
		return breaking, n
	case r >= 0x1100 && r <= 0x115F, r >= 0xA960 && r <= 0xA97C:
		return hangulL, n
	case r >= 0x1160 && r <= 0x11A7, r >= 0xD7B0 && r <= 0xD7C6:
		return hangulV, n
	case r >= 0x11A8 && r <= 0x11FF, r >= 0xD7CB && r <= 0xD7FB:
		return hangulT, n
	case r >= 0xAC00 && r <= 0xD7A3:
		if (r-0xAC00)%28 == 0 {
			return hangulLV, n
		}
		return hangulLVT, n
	case r == utf8.RuneError && n == 1:
		return breaking, n
	}
	return other, n
}

// notSpacing are the spacing marks that do not join to what is before them.
var notSpacing = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x102B, 0x102C, 1}, {0x1038, 0x1038, 1}, {0x1062, 0x1064, 1}, {0x1067, 0x106D, 1}, {0x1083, 0x1083, 1},
		{0x1087, 0x108C, 1}, {0x108F, 0x108F, 1}, {0x109A, 0x109C, 1}, {0x1A61, 0x1A61, 1}, {0x1A63, 0x1A64, 1},
		{0xAA7B, 0xAA7B, 1}, {0xAA7D, 0xAA7D, 1},
	},
	R32: []unicode.Range32{{0x11720, 0x11721, 1}},
}

// prepended are the letters that join to what follows them.
var prepended = &unicode.RangeTable{
	R16: []unicode.Range16{{0x0D4E, 0x0D4E, 1}},
	R32: []unicode.Range32{
		{0x111C2, 0x111C3, 1}, {0x1193F, 0x1193F, 1}, {0x11941, 0x11941, 1}, {0x11A3A, 0x11A3A, 1}, {0x11A84, 0x11A89, 1},
		{0x11D46, 0x11D46, 1}, {0x11F02, 0x11F02, 1},
	},
}
