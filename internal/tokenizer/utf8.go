package tokenizer

import "unicode/utf8"

const replacement = "\uFFFD"

// lossy appends b to dst as valid UTF-8: each longest part of b that could
// begin a rune but does not go on to one becomes U+FFFD, as with Python's
// bytes.decode(errors="replace") and Rust's from_utf8_lossy. A rune cut short
// by the end of b is left over unless final is set; lossy returns how much of b
// it took.
func lossy(dst, b []byte, final bool) ([]byte, int) {
	i := 0
	for i < len(b) {
		if b[i] < utf8.RuneSelf {
			dst = append(dst, b[i])
			i++
			continue
		}
		if r, n := utf8.DecodeRune(b[i:]); r != utf8.RuneError || n > 1 {
			dst = append(dst, b[i:i+n]...)
			i += n
			continue
		}
		n, cut := subpart(b[i:])
		if cut && !final {
			break
		}
		dst = append(dst, replacement...)
		i += n
	}
	return dst, i
}

// subpart is the length of the maximal subpart of an ill-formed rune at the
// start of b (Unicode, section 3.9, table 3-7), and whether the end of b is all
// that is wrong with it.
func subpart(b []byte) (n int, cut bool) {
	low, high, need := byte(0x80), byte(0xBF), 0
	switch c := b[0]; {
	case c >= 0xC2 && c <= 0xDF:
		need = 2
	case c >= 0xE0 && c <= 0xEF:
		need = 3
		if c == 0xE0 {
			low = 0xA0
		} else if c == 0xED {
			high = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		need = 4
		if c == 0xF0 {
			low = 0x90
		} else if c == 0xF4 {
			high = 0x8F
		}
	default:
		return 1, false
	}
	for n = 1; n < need; n++ {
		if n == len(b) {
			return n, true
		}
		if b[n] < low || b[n] > high {
			return n, false
		}
		low, high = 0x80, 0xBF
	}
	return n, false
}
