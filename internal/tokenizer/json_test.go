package tokenizer

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

// Strings are read as encoding/json reads them.
func TestScannerStrings(t *testing.T) {
	for _, text := range []string{
		`""`, `"a"`, `"é中👍"`, `"\"\\\/\b\f\n\r\t"`, `"\u0041\u00e9\u4e2d"`, `"\ud83d\ude00"`, `"x\uD83D\uDE00y"`, `"\ud83d"`, `"\ud83dx"`,
		`"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, `"\u12"`, `"\x"`, `"a`, `"\`, `"\u"`, "\"\n\"", "\"a\\\"b\\u0009\"", `x`, ``,
	} {
		var want string
		wantErr := json.Unmarshal([]byte(text), &want)
		have, err := (&scanner{b: []byte(text)}).str()
		if (err == nil) != (wantErr == nil) || string(have) != want {
			t.Errorf("%s: have %q, %v; want %q, %v", text, have, err, want, wantErr)
		}
	}
}

// Ties of a unigram model hang on the last bit of a score: tokenizers gives these
// ids, since its reader of JSON makes of the second score the number next to it.
func TestScoresAreReadAsSerdeDoes(t *testing.T) {
	long := strings.Repeat("a", 16)
	tok := tinyTokenizer(t, []byte(small(map[string]string{
		"pre_tokenizer": "null", "decoder": "null",
		"model": `{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-9.378816604614258],["` + long + `",-9.507843017578125]]}`,
	})))
	if ids := tok.Encode(long+long+"a", EncodeOptions{}); !slices.Equal(ids, []int32{2, 2, 1}) {
		t.Errorf("have %v, want [2 2 1]", ids)
	}
	for text, want := range map[string]float64{
		"0": 0, "-1.5": -1.5, "12e2": 1200, "1e-3": 0.001, "-0.25E1": -2.5, "123456789012345678901234567890": 1.2345678901234568e29, "1e999": math.NaN(), "+1": math.NaN(), "1-2": math.NaN(), "1e400000000000": math.NaN(),
	} {
		have, err := serdeFloat(text)
		if math.IsNaN(want) != (err != nil) || err == nil && math.Abs(have-want) > 1e-12*math.Abs(want) {
			t.Errorf("%s: %v, %v", text, have, err)
		}
	}
}

// A token written with a space that is not in byte characters, which no text can
// be, does not stand in the way of the one that is.
func TestPlainTokensAreNotLookedUp(t *testing.T) {
	model := `{"type":"BPE","ignore_merges":true,"vocab":{" ":0,"Ġ":1,"a b":2,"a":3,"aĠb":4,"b":5},"merges":[]}`
	tok := tinyTokenizer(t, []byte(small(map[string]string{"model": model, "pre_tokenizer": `{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}`})))
	if ids := tok.Encode("a b", EncodeOptions{}); !slices.Equal(ids, []int32{4}) {
		t.Errorf("have %v, want [4]", ids)
	}
	if ids := tok.Encode("b a", EncodeOptions{}); !slices.Equal(ids, []int32{5, 1, 3}) {
		t.Errorf("have %v, want [5 1 3]", ids)
	}
	for id, want := range []string{" ", "Ġ", "a b", "a", "aĠb", "b"} {
		if have := tok.Text(int32(id)); have != want {
			t.Errorf("token %d is called %q, want %q", id, have, want)
		}
	}
}
