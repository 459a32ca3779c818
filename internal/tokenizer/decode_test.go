package tokenizer

import (
	"encoding/hex"
	"slices"
	"testing"
	"unicode/utf8"
)

// Python says what invalid UTF-8 decodes to (reference/tokenizer.py, lossy).
func TestLossyAsPython(t *testing.T) {
	var file struct{ Cases [][2]string }
	readGzip(t, "lossy.json.gz", &file)
	if len(file.Cases) < 2000 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	models := tinyModels(t)
	v := variant{Model: "bytelevel"}
	tok := tinyTokenizer(t, v.tokenizerJSON(t, models))
	for _, c := range file.Cases {
		b, err := hex.DecodeString(c[0])
		if err != nil {
			t.Fatal(err)
		}
		if have, n := lossy(nil, b, true); string(have) != c[1] || n != len(b) {
			t.Errorf("%s: have %q of %d bytes, want %q", c[0], have, n, c[1])
		}
		var ids []int32 // one for each byte
		for i := range b {
			ids = append(ids, tok.model.(*bpe).bytes[b[i]])
		}
		if have := tok.Decode(ids, false); have != c[1] {
			t.Errorf("%s: Decode gives %q, want %q", c[0], have, c[1])
		}
		d, text := tok.NewDecoder(false), ""
		for _, id := range ids {
			part := d.Push(id)
			if !utf8.ValidString(part) {
				t.Errorf("%s: the part %q is not whole runes", c[0], part)
			}
			text += part
		}
		if text += d.Flush(); text != c[1] {
			t.Errorf("%s: streamed %q, want %q", c[0], text, c[1])
		}
	}
}

func TestStreamHoldsBackIncompleteRunes(t *testing.T) {
	v := variant{Model: "bytelevel"}
	tok := tinyTokenizer(t, v.tokenizerJSON(t, tinyModels(t)))
	bytes := tok.model.(*bpe).bytes
	var parts []string
	d := tok.NewDecoder(false)
	for _, c := range []byte("a€😀") {
		parts = append(parts, d.Push(bytes[c]))
	}
	want := []string{"a", "", "", "€", "", "", "", "😀"}
	if !slices.Equal(parts, want) {
		t.Errorf("parts %q, want %q", parts, want)
	}
	if rest := d.Flush(); rest != "" {
		t.Errorf("%q was left over", rest)
	}
}

// A SentencePiece model's text begins without the space before its first word,
// but a continuation keeps it.
func TestLeadingSpace(t *testing.T) {
	v := variant{Model: "spbpe"}
	tok := tinyTokenizer(t, v.tokenizerJSON(t, tinyModels(t)))
	ids := tok.Encode("the value", EncodeOptions{})
	for _, c := range []struct {
		d    *Decoder
		want string
	}{
		{tok.NewDecoder(false), "the value"},
		{tok.NewDecoder(false).Continue(), " the value"},
	} {
		text := ""
		for _, id := range ids {
			text += c.d.Push(id)
		}
		if text += c.d.Flush(); text != c.want {
			t.Errorf("%q, want %q", text, c.want)
		}
	}
}

// Bytes that are not UTF-8 come out of a run of byte tokens as tokenizers'
// ByteFallback has them, one U+FFFD each, and in a stream as Python has them.
func TestByteFallbackDecoding(t *testing.T) {
	v := variant{Model: "spbpe"}
	tok := tinyTokenizer(t, v.tokenizerJSON(t, tinyModels(t)))
	fallback := tok.model.(*bpe).fallback
	var ids []int32
	for _, c := range []byte{0xE2, 0x82, 0xAC, 0xE2, 0x82} { // a euro, and the beginning of another
		ids = append(ids, fallback[c])
	}
	if have, want := tok.Decode(ids, false), "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"; have != want {
		t.Errorf("Decode gives %q, want %q", have, want)
	}
	if have := tok.Decode(ids[:3], false); have != "€" {
		t.Errorf("Decode gives %q, want a euro", have)
	}
	d, text := tok.NewDecoder(false), ""
	for _, id := range ids {
		text += d.Push(id)
	}
	if text += d.Flush(); text != "€\uFFFD" {
		t.Errorf("streamed %q", text)
	}
	if have := tok.Bytes(fallback[0xE2]); len(have) != 1 || have[0] != 0xE2 {
		t.Errorf("Bytes gives %x", have)
	}
}

func TestUnknownIDs(t *testing.T) {
	v := variant{Model: "bytelevel"}
	tok := tinyTokenizer(t, v.tokenizerJSON(t, tinyModels(t)))
	for _, id := range []int32{-1, int32(tok.Size()), 1 << 30} {
		if tok.Bytes(id) != nil || tok.Text(id) != "" || tok.IsControl(id) || tok.Decode([]int32{id}, false) != "" || tok.NewDecoder(false).Push(id) != "" {
			t.Errorf("id %d means something", id)
		}
	}
}
