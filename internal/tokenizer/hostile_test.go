package tokenizer

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

// small is a tokenizer.json with parts replaced.
func small(parts map[string]string) string {
	file := map[string]string{
		"added_tokens":  `[]`,
		"pre_tokenizer": `{"type":"ByteLevel","add_prefix_space":false}`,
		"decoder":       `{"type":"ByteLevel"}`,
		"model":         `{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}`,
	}
	maps.Copy(file, parts)
	var members []string
	for key, value := range file {
		members = append(members, fmt.Sprintf("%q:%s", key, value))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestBrokenJSON(t *testing.T) {
	deep := func(key string) string {
		return strings.Repeat(`{"type":"Sequence","`+key+`":[`, 1000) + strings.Repeat("]}", 1000)
	}
	model := func(rest string) map[string]string { return map[string]string{"model": rest} }
	for _, c := range []struct{ name, json, want string }{
		{"nothing", "", "ends too soon"},
		{"not an object", "[]", "want '{'"},
		{"no model", "{}", "no model"},
		{"cut short", small(nil)[:len(small(nil))-1], "ends too soon"},
		{"something after", small(nil) + "x", "want the end"},
		{"not UTF-8", small(model("\"\xff\"")), "not UTF-8"},
		{"deep", `{"x":` + strings.Repeat("[", 1<<20), "nested more than"},
		{"deep normalizer", small(map[string]string{"normalizer": deep("normalizers")}), "nested more than"},
		{"model is a number", small(model(`1`)), "model"},
		{"model of an unknown type", small(model(`{"type":"WordLevel","vocab":{}}`)), `model type "WordLevel" is not supported`},
		{"empty vocabulary", small(model(`{"type":"BPE","vocab":{},"merges":[]}`)), "the vocabulary is empty"},
		{"vocabulary is a list", small(model(`{"type":"BPE","vocab":[],"merges":[]}`)), "want '{'"},
		{"no merges", small(model(`{"type":"BPE","vocab":{"a":0}}`)), "ends too soon"},
		{"an id below 0", small(model(`{"type":"BPE","vocab":{"a":-1},"merges":[]}`)), "id -1"},
		{"an id beyond all bounds", small(model(`{"type":"BPE","vocab":{"a":4000000000},"merges":[]}`)), "id 4000000000"},
		{"an id far beyond the others", small(model(`{"type":"BPE","vocab":{"a":4000000},"merges":[]}`)), "up to 4000000, for 1 tokens"},
		{"an id that is no integer", small(model(`{"type":"BPE","vocab":{"a":1.5},"merges":[]}`)), "whole number"},
		{"an id of a thousand digits", small(model(`{"type":"BPE","vocab":{"a":` + strings.Repeat("9", 1000) + `},"merges":[]}`)), "whole number"},
		{"one id twice", small(model(`{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}`)), `"a" and "b"`},
		{"a merge of unknown tokens", small(model(`{"type":"BPE","vocab":{"a":0},"merges":["a c"]}`)), `"a" and "c"`},
		{"a merge of three", small(model(`{"type":"BPE","vocab":{"a":0},"merges":[["a","a","a"]]}`)), "a merge of 3"},
		{"a merge of one", small(model(`{"type":"BPE","vocab":{"a":0},"merges":["a"]}`)), "want two tokens"},
		{"a merge that is not in byte characters", small(model(`{"type":"BPE","vocab":{"a":0,"一":1},"merges":["a 一"]}`)), "byte characters"},
		{"dropout", small(model(`{"type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]}`)), "dropout"},
		{"a suffix of words", small(model(`{"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":0},"merges":[]}`)), "end_of_word_suffix"},
		{"no such unknown token", small(model(`{"type":"BPE","unk_token":"?","vocab":{"a":0},"merges":[]}`)), "unk_token"},
		{"unigram without scores", small(map[string]string{"pre_tokenizer": "null", "decoder": "null", "model": `{"type":"Unigram","unk_id":0,"vocab":[["a"]]}`}), "a token and its score"},
		{"unigram with a score too much", small(map[string]string{"pre_tokenizer": "null", "decoder": "null", "model": `{"type":"Unigram","unk_id":0,"vocab":[["a",1,2]]}`}), "a token and its score"},
		{"unigram without such an unknown token", small(map[string]string{"pre_tokenizer": "null", "decoder": "null", "model": `{"type":"Unigram","unk_id":7,"vocab":[["a",0]]}`}), "unk_id is 7"},
		{"WordPiece without its unknown token", small(map[string]string{"pre_tokenizer": "null", "decoder": "null", "model": `{"type":"WordPiece","vocab":{"a":0}}`}), "[UNK]"},
		{"an added token with two ids", small(map[string]string{"added_tokens": `[{"id":9,"content":"a"}]`}), "has id 9, in the vocabulary 0"},
		{"an added token at another's id", small(map[string]string{"added_tokens": `[{"id":0,"content":"<s>"}]`}), `both "a" and the added token "<s>"`},
		{"an added token beyond all bounds", small(map[string]string{"added_tokens": `[{"id":999999999,"content":"<s>"}]`}), "id 999999999"},
		{"an added token far beyond the others", small(map[string]string{"added_tokens": `[{"id":4000000,"content":"<s>"}]`}), "up to 4000000, for 4 tokens"},
		{"an empty added token", small(map[string]string{"added_tokens": `[{"id":3,"content":""}]`}), "is empty"},
		{"a long added token", small(map[string]string{"added_tokens": `[{"id":3,"content":"` + strings.Repeat("x", 5000) + `"}]`}), "5000 bytes"},
		{"an unknown normalizer", small(map[string]string{"normalizer": `{"type":"ByteLevel"}`}), `normalizer: type "ByteLevel" is not supported`},
		{"a normalizer by a regular expression", small(map[string]string{"normalizer": `{"type":"Replace","pattern":{"Regex":"x+"},"content":""}`}), `"x+"`},
		{"a charsmap cut short", small(map[string]string{"normalizer": `{"type":"Precompiled","precompiled_charsmap":"AAAA"}`}), "cut short"},
		{"a charsmap longer than it is", small(map[string]string{"normalizer": `{"type":"Precompiled","precompiled_charsmap":"////f////38="}`}), "in 4"},
		{"an unknown pre-tokenizer", small(map[string]string{"pre_tokenizer": `{"type":"UnicodeScripts"}`}), `type "UnicodeScripts" is not supported`},
		{"an unknown split", small(map[string]string{"pre_tokenizer": `{"type":"Split","pattern":{"Regex":"\\p{Han}+"},"behavior":"Isolated"}`}), `the regular expression \p{Han}+ is not known`},
		{"an unknown behavior", small(map[string]string{"pre_tokenizer": `{"type":"Split","pattern":{"String":"x"},"behavior":"Kept"}`}), `behavior "Kept" is not known`},
		{"a split with nothing", small(map[string]string{"pre_tokenizer": `{"type":"Split","pattern":{"String":""},"behavior":"Isolated"}`}), "without a pattern"},
		{"a stage after ByteLevel", small(map[string]string{"pre_tokenizer": `{"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]}`}), "Digits after ByteLevel"},
		{"an unknown decoder", small(map[string]string{"decoder": `{"type":"CTC"}`}), `type "CTC" is not supported`},
		{"Strip of what is not a space", small(map[string]string{"decoder": `{"type":"Sequence","decoders":[{"type":"Fuse"},{"type":"Strip","content":"x","start":1}]}`}), "Strip"},
		{"an unknown post-processor", small(map[string]string{"post_processor": `{"type":"Magic"}`}), `type "Magic" is not supported`},
		{"a template without its text", small(map[string]string{"post_processor": `{"type":"TemplateProcessing","single":[],"special_tokens":{}}`}), "sequence A is not there"},
		{"a template with a token it does not define", small(map[string]string{"post_processor": `{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}}],"special_tokens":{}}`}), `"<s>" is not defined`},
		{"a template with an id below 0", small(map[string]string{"post_processor": `{"type":"BertProcessing","cls":["a",-5],"sep":["b",1]}`}), "token id -5"},
	} {
		b, err := parseJSON([]byte(c.json))
		if err == nil {
			_, err = b.finish()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if tok := tinyTokenizer(t, []byte(small(nil))); len(tok.Encode("abba", EncodeOptions{})) != 3 {
		t.Errorf("the unbroken file gives %v", tok.Encode("abba", EncodeOptions{}))
	}
}

func TestBrokenGGUF(t *testing.T) {
	good := func() tinyGGUF {
		return tinyGGUF{
			"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.tokens": []string{"a", "b", "ab", "<s>"},
			"tokenizer.ggml.merges": []string{"a b"}, "tokenizer.ggml.token_type": []int64{1, 1, 1, 3},
		}
	}
	if _, err := FromGGUF(good()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, key string
		value     any
		want      string
	}{
		{"no model", "tokenizer.ggml.model", nil, "tokenizer.ggml.model is not there"},
		{"an unknown model", "tokenizer.ggml.model", "rwkv", `"rwkv" is not supported`},
		{"an unknown pre-tokenizer", "tokenizer.ggml.pre", "kimi-k2", `tokenizer.ggml.pre "kimi-k2" is not known: want one of`},
		{"no pre-tokenizer", "tokenizer.ggml.pre", nil, `tokenizer.ggml.pre "" is not known`},
		{"no tokens", "tokenizer.ggml.tokens", nil, "tokenizer.ggml.tokens is not there"},
		{"tokens of the wrong kind", "tokenizer.ggml.tokens", []int64{1}, "tokenizer.ggml.tokens is not there"},
		{"no merges", "tokenizer.ggml.merges", nil, "tokenizer.ggml.merges is not there"},
		{"a merge of one", "tokenizer.ggml.merges", []string{"ab"}, "want two tokens"},
		{"a merge of unknown tokens", "tokenizer.ggml.merges", []string{"a c"}, "not in the vocabulary"},
		{"too few types", "tokenizer.ggml.token_type", []int64{1}, "1 entries for 4 tokens"},
		{"BOS beyond the vocabulary", "tokenizer.ggml.bos_token_id", 4, "bos_token_id is 4, of 4 tokens"},
		{"scores are missing", "tokenizer.ggml.model", "llama", "0 entries for 4 tokens"},
		{"scores are missing for unigram", "tokenizer.ggml.model", "t5", "0 entries for 4 tokens"},
		{"BERT without an unknown token", "tokenizer.ggml.model", "bert", "unknown_token_id is not there"},
	} {
		m := good()
		m[c.key] = c.value
		if _, err := FromGGUF(m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
