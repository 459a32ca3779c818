package tokenizer

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
	"unicode"
)

// recorder is a model that only notes the pieces it is given.
type recorder struct{ pieces []string }

func (r *recorder) encode(t text, _ *output) { r.pieces = append(r.pieces, t.s) }

// Every pre-tokenizer cuts where Hugging Face's does (reference/tokenizer_tiny.py, split_cases).
func TestSplits(t *testing.T) {
	var file struct {
		Strings []string
		CRC16   map[string][]byte
	}
	readGzip(t, "tiny/splits.json.gz", &file)
	if len(file.Strings) < 2000 || len(file.CRC16) < 12 {
		t.Fatalf("%d strings, %d splits", len(file.Strings), len(file.CRC16))
	}
	for name, sums := range file.CRC16 {
		pre := tinyVariant(t, name).pre
		wrong := 0
		for i, s := range file.Strings {
			r := &recorder{}
			pre.run(r, text{s: s}, &output{})
			if uint16(crc32.ChecksumIEEE([]byte(strings.Join(r.pieces, "\x00\x00")))) != binary.LittleEndian.Uint16(sums[2*i:]) {
				if wrong++; wrong <= 5 {
					t.Errorf("%s: string %d %q is cut into %q", name, i, s, r.pieces)
				}
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d of %d strings differ", name, wrong, len(file.Strings))
		}
	}
}

// Our Unicode tables are tokenizers' tables.
func TestUnicodeTables(t *testing.T) {
	var file struct {
		CRC32 map[string]uint32 `json:"crc32"`
	}
	readGzip(t, "tiny/unicode.json.gz", &file)
	var points []rune
	for r := rune(0); r < 0x32000; r++ {
		if r < 0xD800 || r >= 0xE000 {
			points = append(points, r)
		}
	}
	exactly := func(all, want class) func(rune) bool {
		return func(r rune) bool { return classOf(r)&all == want }
	}
	const kind = letter | upper | lower
	for name, has := range map[string]func(r rune) bool{
		"L": exactly(letter, letter), "M": exactly(mark, mark), "N": exactly(number, number), "P": exactly(punct, punct),
		"S": exactly(symbol, symbol), "s": exactly(space, space), "Ll": exactly(kind, letter|lower),
		"Lt": func(r rune) bool { return unicode.Is(unicode.Lt, r) }, "BertPreTokenizer": isPunctuation,
		"w": isWord,
	} {
		var data []byte
		for _, r := range points {
			if has(r) {
				data = binary.LittleEndian.AppendUint32(data, uint32(r))
			}
		}
		if want, ok := file.CRC32[name]; !ok || crc32.ChecksumIEEE(data) != want {
			t.Errorf("class %s: %d code points, not those of tokenizers", name, len(data)/4)
		}
	}
	for name, n := range map[string]normaliser{
		"BertNormalizer": bertNormaliser(true, true, true, true), "Lowercase": runeMap(lowercase), "StripAccents": runeMap(dropMarks),
		"Nmt": runeMap(nmt), "NFC": forms["NFC"], "NFD": forms["NFD"], "NFKC": forms["NFKC"], "NFKD": forms["NFKD"],
	} {
		var all []string
		for _, r := range points {
			if r != 0x11938 {
				all = append(all, n.normalise(text{s: string(r)}, false).s)
			}
		}
		if want, ok := file.CRC32[name]; !ok || crc32.ChecksumIEEE([]byte(strings.Join(all, "\x00"))) != want {
			t.Errorf("normaliser %s: not that of tokenizers", name)
		}
	}
}
