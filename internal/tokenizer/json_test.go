package tokenizer

import (
	"encoding/json"
	"slices"
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
