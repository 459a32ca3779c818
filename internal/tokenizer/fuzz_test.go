package tokenizer

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// tinyModel replaces the vocabularies of the tiny models, so that seeds are small.
var tinyModel = map[string]string{
	"bytelevel": `{"vocab":{"<|endoftext|>":0,"<|im_start|>":1,"<|im_end|>":2,"a":3,"b":4,"ab":5,"Ġ":6,"Ġab":7},"merges":[["a","b"],["Ġ","ab"]]}`,
	"spbpe":     `{"vocab":{"<unk>":0,"<s>":1,"</s>":2,"▁":3,"a":4,"b":5,"ab":6,"▁ab":7,"<0x41>":8},"merges":["a b","▁ ab"]}`,
	"runs":      `{"vocab":{"<unk>":0,"<s>":1,"</s>":2,"a":3,"aa":4},"merges":["a a"]}`,
	"unigram":   `{"vocab":[["<pad>",0],["</s>",0],["<unk>",0],["▁",-1.5],["a",-2],["ab",-2.5],["▁ab",-3e0]]}`,
	"wordpiece": `{"vocab":{"[PAD]":0,"[UNK]":1,"[CLS]":2,"[SEP]":3,"[MASK]":4,"a":5,"##b":6,"ab":7}}`,
}

// FuzzTokenizerJSON: whatever the file, an error or a tokenizer that works.
func FuzzTokenizerJSON(f *testing.F) {
	f.Add([]byte(small(nil)))
	models := tinyModels(f)
	_, variants := tinyVariants(f)
	for _, v := range variants {
		v.Parts["model"] = json.RawMessage(tinyModel[v.Model])
		f.Add(v.tokenizerJSON(f, models))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := parseJSON(data)
		if err != nil {
			return
		}
		tok, err := b.finish()
		if err != nil {
			return
		}
		exercise(t, tok)
	})
}

// FuzzGGUF: the same of metadata.
func FuzzGGUF(f *testing.F) {
	f.Add("gpt2", "gpt-2", "a\nb\nab\n<s>", "a b", []byte{1, 1, 1, 3}, []byte{0, 1, 2, 3}, "text", uint8(3))
	f.Add("llama", "default", "<unk>\n<s>\n</s>\n<0x41>\n▁\na\nb\nab\n▁ab", "", []byte{2, 3, 3, 6, 1, 1, 1, 1, 4}, []byte{0, 0, 0, 0, 9, 8, 7, 1, 1}, "ab  ab", uint8(1))
	f.Add("t5", "", "<pad>\n</s>\n<unk>\n▁\na\nb\nab", "", []byte{3, 3, 2, 1, 1, 1, 1}, []byte{0, 0, 0, 4, 0, 0, 0, 0}, "ab", uint8(2))
	f.Add("bert", "", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n▁a\nb\n▁ab", "", []byte{3, 3, 3, 3, 1, 1, 1}, []byte{}, "ab", uint8(1))
	// The last entry has no text, or is not in use, and is the unknown token.
	f.Add("llama", "default", "a\n", "", []byte{1, 1}, []byte{0, 0}, "bb", uint8(1))
	f.Add("llama", "default", "a\nb", "", []byte{1, 5}, []byte{0, 0}, "bb", uint8(1))
	f.Add("t5", "", "a\n", "", []byte{1, 1}, []byte{0, 0}, "bb", uint8(1))
	f.Add("bert", "", "a\n", "", []byte{1, 1}, []byte{}, "bb", uint8(1))
	f.Fuzz(func(t *testing.T, model, pre, tokens, merges string, types, numbers []byte, text string, id uint8) {
		m := tinyGGUF{
			"tokenizer.ggml.model": model, "tokenizer.ggml.pre": pre, "tokenizer.ggml.tokens": strings.Split(tokens, "\n"),
			"tokenizer.ggml.merges": strings.Split(merges, "\n"), "tokenizer.ggml.unknown_token_id": int(id), "tokenizer.ggml.bos_token_id": int(id),
		}
		var kinds, ints []int64
		var scores []float32
		for i := range m["tokenizer.ggml.tokens"].([]string) {
			kinds, scores = append(kinds, typeNormal), append(scores, 0)
			if i < len(types) {
				kinds[i] = int64(types[i])
			}
			if i < len(numbers) {
				scores[i] = -float32(numbers[i])
			}
		}
		for _, n := range numbers {
			ints = append(ints, int64(n))
		}
		m["tokenizer.ggml.token_type"], m["tokenizer.ggml.scores"], m["tokenizer.ggml.precompiled_charsmap"] = kinds, scores, ints
		tok, err := FromGGUF(m)
		if err != nil {
			return
		}
		exercise(t, tok)
		tok.Encode(text, EncodeOptions{ParseSpecial: true})
	})
}

// exercise uses a tokenizer of which nothing is known.
func exercise(t *testing.T, tok *Tokenizer) {
	for _, s := range []string{"", "a", "ab ba  ab\n\n12", "Ａé e\u0301 ½ <s></s>[CLS]\x00\xff\xe2\x82👍"} {
		o := EncodeOptions{AddSpecial: true, ParseSpecial: true, Literal: []Span{{1, 3}}}
		ids := tok.Encode(s, o)
		again, offsets := tok.EncodeOffsets(s, o)
		if !slices.Equal(ids, again) || len(offsets) != len(ids) {
			t.Fatalf("%q: Encode gives %v, EncodeOffsets %v with %v", s, ids, again, offsets)
		}
		for _, o := range offsets {
			if o[0] < 0 || o[1] < o[0] || o[1] > len(s) {
				t.Fatalf("%q: offsets %v", s, offsets)
			}
		}
		if text := tok.Decode(ids, false); !utf8.ValidString(text) {
			t.Fatalf("%q decodes to %q", s, text)
		}
	}
	for id := int32(-1); id <= int32(min(tok.Size(), 300)); id++ {
		d := tok.NewDecoder(true)
		if part := d.Push(id) + d.Flush(); !utf8.ValidString(part) {
			t.Fatalf("token %d decodes to %q", id, part)
		}
		tok.Bytes(id)
		tok.Text(id)
	}
}

// FuzzEncode: a byte-level tokenizer loses nothing, whatever the text; others
// do not panic.
func FuzzEncode(f *testing.F) {
	for _, s := range corpus(f)[:300] {
		f.Add(s)
	}
	f.Add("bad \xff\xc3 bytes \xe2\x82")
	var lossless, others []*Tokenizer
	models := tinyModels(f)
	_, variants := tinyVariants(f)
	for _, v := range variants {
		switch v.Name {
		case "bytelevel-gpt2", "bytelevel-llama3", "bytelevel-qwen3.5", "bytelevel-smollm", "bytelevel-gpt-oss", "bytelevel-deepseek3", "bytelevel-ignore-merges", "bytelevel-space-mergedwithnext":
			lossless = append(lossless, tinyTokenizer(f, v.tokenizerJSON(f, models)))
		case "bytelevel-nfc", "bytelevel-flags", "spbpe-mistral", "spbpe-unknown", "unigram-t5", "unigram-bytes", "wordpiece-bert":
			others = append(others, tinyTokenizer(f, v.tokenizerJSON(f, models)))
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []bool{true, false} {
			o := EncodeOptions{ParseSpecial: parse}
			for i, tok := range lossless {
				ids, offsets := tok.EncodeOffsets(s, o)
				var raw []byte
				for k, id := range ids {
					if offsets[k] != [2]int{len(raw), len(raw) + len(tok.Bytes(id))} {
						t.Fatalf("tokenizer %d: %q: token %d is at %v", i, s, k, offsets[k])
					}
					raw = append(raw, tok.Bytes(id)...)
				}
				if string(raw) != s {
					t.Fatalf("tokenizer %d: %q becomes %q", i, s, raw)
				}
				if !slices.Equal(ids, tok.Encode(s, o)) {
					t.Fatalf("tokenizer %d: %q: Encode and EncodeOffsets differ", i, s)
				}
				if utf8.ValidString(s) && tok.Decode(ids, false) != s {
					t.Fatalf("tokenizer %d: %q decodes to %q", i, s, tok.Decode(ids, false))
				}
			}
			for i, tok := range others {
				ids := tok.Encode(s, o)
				again, offsets := tok.EncodeOffsets(s, o)
				if !slices.Equal(ids, again) || len(offsets) != len(ids) {
					t.Fatalf("tokenizer %d: %q: Encode gives %v, EncodeOffsets %v with %v", i, s, ids, again, offsets)
				}
				if text := tok.Decode(ids, true); !utf8.ValidString(text) {
					t.Fatalf("tokenizer %d: %q decodes to %q", i, s, text)
				}
			}
		}
	})
}
