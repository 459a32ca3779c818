package tokenizer

import "strings"

// Byte-level vocabularies write each byte as a printable character: itself for
// the printable part of Latin-1, for the others, in order, U+0100 and up
// (openai/gpt-2, encoder.py, bytes_to_unicode).

// byteOf maps those characters back to the byte, -1 where there is none.
var byteOf = func() (table [0x100 + 68]int16) {
	for i := range table {
		table[i] = -1
	}
	next := 0x100
	for b := range 0x100 {
		if b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE && b <= 0xFF {
			table[b] = int16(b)
		} else {
			table[next] = int16(b)
			next++
		}
	}
	return table
}()

// appendBytes appends the bytes that a byte-level token stands for; false if it
// holds a character that stands for none.
func appendBytes[T string | []byte](dst []byte, token T) ([]byte, bool) {
	n := len(dst)
	for i := 0; i < len(token); i++ {
		r := int(token[i])
		if r >= 0x80 { // all the characters have two bytes at most
			if r < 0xC2 || r > 0xC5 || i+1 == len(token) || token[i+1]&0xC0 != 0x80 {
				return dst[:n], false
			}
			i++
			r = r&0x1F<<6 | int(token[i]&0x3F)
		}
		if r >= len(byteOf) || byteOf[r] < 0 {
			return dst[:n], false
		}
		dst = append(dst, byte(byteOf[r]))
	}
	return dst, true
}

// byteCharacters writes bytes as a byte-level vocabulary does.
func byteCharacters(raw string) string {
	var out strings.Builder
	for i := range len(raw) {
		out.WriteRune(characterOf[raw[i]])
	}
	return out.String()
}

// characterOf is the inverse of byteOf.
var characterOf = func() (table [256]rune) {
	for r, b := range byteOf {
		if b >= 0 {
			table[b] = rune(r)
		}
	}
	return table
}()
