package tokenizer

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"testing"
)

// variant is a tiny tokenizer and what Hugging Face makes of strings with it
// (reference/tokenizer_tiny.py).
type variant struct {
	Name, Model string
	Parts       map[string]json.RawMessage
	Full        [][3]json.RawMessage // ids, text, text without special tokens
	CRC32       []byte
}

func tinyModels(t testing.TB) map[string]map[string]json.RawMessage {
	t.Helper()
	var file struct {
		Models map[string]map[string]json.RawMessage
	}
	readGzip(t, "tiny/models.json.gz", &file)
	return file.Models
}

func tinyVariants(t testing.TB) (texts []string, variants []variant) {
	t.Helper()
	var file struct {
		Strings  []int
		Variants []variant
	}
	readGzip(t, "tiny/variants.json.gz", &file)
	all := corpus(t)
	for _, i := range file.Strings {
		texts = append(texts, all[i])
	}
	if len(texts) < 1000 {
		t.Fatalf("%d strings", len(texts))
	}
	return texts, file.Variants
}

// tokenizerJSON is the variant's tokenizer.json.
func (v *variant) tokenizerJSON(t testing.TB, models map[string]map[string]json.RawMessage) []byte {
	t.Helper()
	file := maps.Clone(models[v.Model])
	for key, part := range v.Parts {
		if key == "model" {
			var model, change map[string]json.RawMessage
			if err := json.Unmarshal(file[key], &model); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(part, &change); err != nil {
				t.Fatal(err)
			}
			maps.Copy(model, change)
			part, _ = json.Marshal(model)
		}
		file[key] = part
	}
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func tinyTokenizer(t testing.TB, data []byte) *Tokenizer {
	t.Helper()
	b, err := parseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := b.finish()
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// check holds a tokenizer against the variant's results.
func (v *variant) check(t *testing.T, tok *Tokenizer, texts []string) {
	t.Helper()
	sums := make([]uint32, len(v.CRC32)/4)
	for i := range sums {
		sums[i] = binary.LittleEndian.Uint32(v.CRC32[4*i:])
	}
	if len(sums) != len(texts) {
		t.Fatalf("%d results for %d strings", len(sums), len(texts))
	}
	wrong := 0
	for i, s := range texts {
		ids := tok.Encode(s, EncodeOptions{AddSpecial: true, ParseSpecial: true})
		text, skipped := tok.Decode(ids, false), tok.Decode(ids, true)
		var data []byte
		for _, id := range ids {
			data = binary.LittleEndian.AppendUint32(data, uint32(id))
		}
		data = append(append(append(append(append(data, '|'), text...), '|'), skipped...), ""...)
		if crc32.ChecksumIEEE(data) != sums[i] {
			if wrong++; wrong > 5 {
				continue
			}
			t.Errorf("string %d %q\nhave %v %q %q", i, s, ids, text, skipped)
			if i < len(v.Full) {
				t.Errorf("want %s %s %s", v.Full[i][0], v.Full[i][1], v.Full[i][2])
			}
		}
		again, offsets := tok.EncodeOffsets(s, EncodeOptions{AddSpecial: true, ParseSpecial: true})
		if !slices.Equal(ids, again) || len(offsets) != len(ids) {
			t.Fatalf("string %d %q: Encode gives %v, EncodeOffsets %v with %v", i, s, ids, again, offsets)
		}
		for _, o := range offsets {
			if o[0] < 0 || o[0] > o[1] || o[1] > len(s) {
				t.Fatalf("string %d %q of %d bytes: offsets %v", i, s, len(s), offsets)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d strings differ", wrong, len(texts))
	}
}

func TestTinyJSON(t *testing.T) {
	models := tinyModels(t)
	texts, variants := tinyVariants(t)
	for _, v := range variants {
		t.Run(v.Name, func(t *testing.T) {
			v.check(t, tinyTokenizer(t, v.tokenizerJSON(t, models)), texts)
		})
	}
}

// tinyGGUF is metadata as package weights reads it.
type tinyGGUF map[string]any

func (m tinyGGUF) String(key string) (string, bool)    { v, ok := m[key].(string); return v, ok }
func (m tinyGGUF) Bool(key string) (bool, bool)        { v, ok := m[key].(bool); return v, ok }
func (m tinyGGUF) Strings(key string) ([]string, bool) { v, ok := m[key].([]string); return v, ok }
func (m tinyGGUF) Floats(key string) ([]float32, bool) { v, ok := m[key].([]float32); return v, ok }
func (m tinyGGUF) Ints(key string) ([]int64, bool)     { v, ok := m[key].([]int64); return v, ok }
func (m tinyGGUF) Uint(key string) (uint64, bool) {
	v, ok := m[key].(int)
	return uint64(v), ok
}

// tinyMetadata is each kind of model as a GGUF file describes it, by the name
// of the variant that it must equal.
func tinyMetadata(t testing.TB) map[string]tinyGGUF {
	t.Helper()
	all := map[string]tinyGGUF{}
	var file map[string]json.RawMessage
	readGzip(t, "tiny/sentencepiece.json.gz", &file)
	for name, kind := range map[string]string{"spbpe-mistral": "llama", "unigram-t5": "t5", "runs": "runs"} {
		var m struct {
			Tokens   []string
			Scores   []float32
			Types    []int64
			Charsmap string
		}
		if err := json.Unmarshal(file[kind], &m); err != nil {
			t.Fatal(err)
		}
		charsmap, err := base64.StdEncoding.DecodeString(m.Charsmap)
		if err != nil {
			t.Fatal(err)
		}
		var ints []int64
		for _, c := range charsmap {
			ints = append(ints, int64(c))
		}
		for i, name := range m.Tokens {
			if name == "<unk>" { // as converters write it, and tokenizer.json has it
				m.Types[i] = typeControl
			}
		}
		all[name] = tinyGGUF{
			"tokenizer.ggml.model": kind, "tokenizer.ggml.tokens": m.Tokens, "tokenizer.ggml.scores": m.Scores,
			"tokenizer.ggml.token_type": m.Types,
		}
		if kind == "runs" {
			all[name]["tokenizer.ggml.model"] = "llama"
		}
		if kind == "t5" {
			all[name]["tokenizer.ggml.precompiled_charsmap"] = ints
		}
	}
	models := tinyModels(t)
	word := tinyVocab(t, models["wordpiece"])
	for i, token := range word["tokenizer.ggml.tokens"].([]string) {
		switch {
		case word["tokenizer.ggml.token_type"].([]int64)[i] == typeControl:
		case len(token) > 2 && token[:2] == "##":
			word["tokenizer.ggml.tokens"].([]string)[i] = token[2:]
		default:
			word["tokenizer.ggml.tokens"].([]string)[i] = blank + token
		}
	}
	maps.Copy(word, tinyGGUF{
		"tokenizer.ggml.model": "bert", "tokenizer.ggml.bos_token_id": 2, "tokenizer.ggml.seperator_token_id": 3,
		"tokenizer.ggml.unknown_token_id": 1, "tokenizer.ggml.padding_token_id": 0,
	})
	all["wordpiece-bert"] = word
	for variant, pre := range map[string]string{
		"bytelevel-gpt2": "gpt-2", "bytelevel-smollm": "smollm", "bytelevel-nfc": "qwen2",
		"bytelevel-gpt-oss": "gpt-4o", "bytelevel-deepseek3": "deepseek-v3", "bytelevel-llama3": "dbrx",
	} {
		bytes := tinyVocab(t, models["bytelevel"])
		bytes["tokenizer.ggml.model"], bytes["tokenizer.ggml.pre"] = "gpt2", pre
		all[variant] = bytes
	}
	return all
}

// tinyVocab is the vocabulary of a tokenizer.json as a GGUF file has it.
func tinyVocab(t testing.TB, file map[string]json.RawMessage) tinyGGUF {
	t.Helper()
	var model struct {
		Vocab  map[string]int
		Merges [][2]string
	}
	var added []jsonAdded
	if err := json.Unmarshal(file["model"], &model); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file["added_tokens"], &added); err != nil {
		t.Fatal(err)
	}
	for _, a := range added {
		model.Vocab[a.Content] = int(a.ID)
	}
	tokens, types := make([]string, len(model.Vocab)), make([]int64, len(model.Vocab))
	for token, id := range model.Vocab {
		tokens[id], types[id] = token, typeNormal
	}
	for _, a := range added {
		types[a.ID] = typeUserDefined
		if a.Special {
			types[a.ID] = typeControl
		}
	}
	m := tinyGGUF{"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types}
	if model.Merges != nil {
		var merges []string
		for _, pair := range model.Merges {
			merges = append(merges, pair[0]+" "+pair[1])
		}
		m["tokenizer.ggml.merges"] = merges
	}
	return m
}

func TestTinyGGUF(t *testing.T) {
	metadata := tinyMetadata(t)
	texts, variants := tinyVariants(t)
	for _, v := range variants {
		m, ok := metadata[v.Name]
		if !ok {
			continue
		}
		delete(metadata, v.Name)
		t.Run(v.Name, func(t *testing.T) {
			tok, err := FromGGUF(m)
			if err != nil {
				t.Fatal(err)
			}
			v.check(t, tok, texts)
		})
	}
	if len(metadata) > 0 {
		t.Errorf("no variants for %v", slices.Collect(maps.Keys(metadata)))
	}
}

// sentencepiece itself, with extra spaces removed.
func TestSqueezedSpaces(t *testing.T) {
	m := tinyMetadata(t)["spbpe-mistral"]
	m["tokenizer.ggml.remove_extra_whitespaces"] = true
	tok, err := FromGGUF(m)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Squeezed []uint32 }
	readGzip(t, "tiny/sentencepiece.json.gz", &file)
	texts, _ := tinyVariants(t)
	if len(file.Squeezed) != len(texts) {
		t.Fatalf("%d results for %d strings", len(file.Squeezed), len(texts))
	}
	for i, s := range texts {
		if strings.Contains(s, blank) { // to sentencepiece a space as well
			continue
		}
		var data []byte
		ids := tok.Encode(strings.ReplaceAll(s, "\x00", " "), EncodeOptions{})
		for _, id := range ids {
			data = binary.LittleEndian.AppendUint32(data, uint32(id))
		}
		if crc32.ChecksumIEEE(data) != file.Squeezed[i] {
			t.Errorf("string %d %q: have %v", i, s, ids)
		}
	}
}

// Where several merges are possible, and some rank the same, the order shows.
func TestTies(t *testing.T) {
	var file struct {
		Runs struct {
			Texts []string
			IDs   [][]int32
		}
	}
	readGzip(t, "tiny/sentencepiece.json.gz", &file)
	v := variant{Model: "runs"}
	merges := tinyTokenizer(t, v.tokenizerJSON(t, tinyModels(t)))
	scores, err := FromGGUF(tinyMetadata(t)["runs"])
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Runs.Texts) < 400 {
		t.Fatalf("%d texts", len(file.Runs.Texts))
	}
	for i, s := range file.Runs.Texts {
		for name, tok := range map[string]*Tokenizer{"merges": merges, "scores": scores} {
			if have := tok.Encode(s, EncodeOptions{}); !slices.Equal(have, file.Runs.IDs[i]) {
				t.Errorf("%s: %q: have %v, want %v", name, s, have, file.Runs.IDs[i])
			}
		}
	}
}
