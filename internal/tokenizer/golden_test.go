package tokenizer

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"
)

// golden is what Hugging Face's tokenizers makes of the corpus (reference/tokenizer.py).
type golden struct {
	IDs      [][]int32          `json:"ids"`
	Literal  map[string][]int32 `json:"literal"`  // by index, where not as IDs: special tokens not parsed
	Decoded  map[string]string  `json:"decoded"`  // by index, where not the string itself
	Skipped  map[string]string  `json:"skipped"`  // by index, where not as decoded
	Template [][]int32          `json:"template"` // of the first strings, with the template
}

func readGzip(t testing.TB, name string, into any) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// corpus is the strings that goldens are made of.
func corpus(t testing.TB) []string {
	var file struct {
		Strings []string `json:"strings"`
	}
	readGzip(t, "corpus.json.gz", &file)
	if len(file.Strings) < 1000 {
		t.Fatalf("the corpus has %d strings", len(file.Strings))
	}
	return file.Strings
}

// checkGolden holds a tokenizer against a golden in every way of encoding and
// decoding. It shows the first few differences of each kind.
func checkGolden(t *testing.T, tok *Tokenizer, name string) {
	t.Helper()
	var g golden
	readGzip(t, name, &g)
	texts := corpus(t)
	if len(g.IDs) != len(texts) {
		t.Fatalf("%s has %d entries for %d strings", name, len(g.IDs), len(texts))
	}
	wrong := map[string]int{}
	differ := func(what string, i int, have, want any) {
		t.Helper()
		if wrong[what]++; wrong[what] <= 5 {
			t.Errorf("%s, string %d %q\nhave %v\nwant %v", what, i, texts[i], have, want)
		}
	}
	for i, s := range texts {
		key := strconv.Itoa(i)
		want := g.IDs[i]
		if have := tok.Encode(s, EncodeOptions{ParseSpecial: true}); !slices.Equal(have, want) {
			differ("ids", i, have, want)
		}
		have, offsets := tok.EncodeOffsets(s, EncodeOptions{ParseSpecial: true})
		if !slices.Equal(have, want) {
			differ("ids with offsets", i, have, want)
		}
		for k, o := range offsets {
			if len(offsets) != len(have) || o[0] < 0 || o[0] > o[1] || o[1] > len(s) || k > 0 && o[0] < offsets[k-1][0] {
				differ("offsets", i, offsets, "ranges in order within the text")
				break
			}
		}
		literal, ok := g.Literal[key]
		if !ok {
			literal = want
		}
		if have := tok.Encode(s, EncodeOptions{}); !slices.Equal(have, literal) && !tok.hasMarkup(literal) {
			differ("ids without control tokens", i, have, literal)
		}
		if have := tok.Encode(s, EncodeOptions{ParseSpecial: true, Literal: []Span{{0, len(s)}}}); !slices.Equal(have, tok.Encode(s, EncodeOptions{})) {
			differ("ids of literal text", i, have, literal)
		}
		text, ok := g.Decoded[key]
		if !ok {
			text = s
		}
		if have := tok.Decode(want, false); have != text {
			differ("text", i, have, text)
		}
		d, stream := tok.NewDecoder(false), ""
		for _, id := range want {
			part := d.Push(id)
			if !utf8.ValidString(part) {
				differ("streamed part", i, part, "whole runes")
			}
			stream += part
		}
		if stream += d.Flush(); stream != text {
			differ("streamed text", i, stream, text)
		}
		if skipped, ok := g.Skipped[key]; ok {
			text = skipped
		}
		if have := tok.Decode(want, true); have != text && !tok.hasMarkup(want) {
			differ("text without control tokens", i, have, text)
		}
		if i < len(g.Template) {
			if have := tok.Encode(s, EncodeOptions{AddSpecial: true, ParseSpecial: true}); !slices.Equal(have, g.Template[i]) {
				differ("ids with the template", i, have, g.Template[i])
			}
		}
	}
}

// hasMarkup says whether ids hold tokens that look like control tokens, which
// GGUF files may call so where tokenizer.json does not. A golden without control
// tokens says nothing of them.
func (t *Tokenizer) hasMarkup(ids []int32) bool {
	return slices.ContainsFunc(ids, func(id int32) bool {
		_, added := t.addedIDs[t.Text(id)]
		return added && guarded(t.Text(id))
	})
}
