package tokenizer

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Metadata is the key-value part of a GGUF file, as package weights reads it.
type Metadata interface {
	String(key string) (string, bool)
	Uint(key string) (uint64, bool)
	Bool(key string) (value, ok bool)
	Strings(key string) ([]string, bool)
	Ints(key string) ([]int64, bool)
	Floats(key string) ([]float32, bool)
}

// Types of tokens in GGUF files (ggml, enum llama_token_type).
const (
	typeNormal      = 1
	typeUnknown     = 2
	typeControl     = 3
	typeUserDefined = 4
	typeUnused      = 5
	typeByte        = 6
)

// ggufVocab is the vocabulary in a GGUF file.
type ggufVocab struct {
	Metadata
	pre    string
	tokens []string
	types  []int64 // of each token
}

// FromGGUF builds the tokenizer that the metadata of a GGUF file describes.
func FromGGUF(m Metadata) (*Tokenizer, error) {
	t, err := fromGGUF(m)
	if err != nil {
		return nil, fmt.Errorf("tokenizer of the GGUF file: %w", err)
	}
	return t, nil
}

func fromGGUF(m Metadata) (*Tokenizer, error) {
	model, ok := m.String("tokenizer.ggml.model")
	if !ok {
		return nil, errors.New("tokenizer.ggml.model is not there: the file has no tokenizer")
	}
	v := &ggufVocab{Metadata: m}
	v.pre, _ = m.String("tokenizer.ggml.pre")
	if v.tokens, ok = m.Strings("tokenizer.ggml.tokens"); !ok || len(v.tokens) == 0 {
		return nil, errors.New("tokenizer.ggml.tokens is not there")
	}
	if len(v.tokens) > maxVocab {
		return nil, fmt.Errorf("%d tokens, at most %d are supported", len(v.tokens), maxVocab)
	}
	if v.types, ok = m.Ints("tokenizer.ggml.token_type"); ok && len(v.types) != len(v.tokens) {
		return nil, fmt.Errorf("tokenizer.ggml.token_type has %d entries for %d tokens", len(v.types), len(v.tokens))
	}
	b := newBuilder()
	if err := b.ggufSpecials(v, model); err != nil {
		return nil, err
	}
	b.ggufAdded(v)
	var err error
	switch model {
	case "gpt2":
		err = b.ggufBPE(v)
	case "llama":
		err = b.ggufSPM(v)
	case "bert":
		err = b.ggufWordPiece(v)
	case "t5":
		err = b.ggufUnigram(v)
	default:
		err = fmt.Errorf("tokenizer.ggml.model %q is not supported", model)
	}
	if err != nil {
		return nil, err
	}
	t, err := b.finish()
	if err != nil {
		return nil, err
	}
	t.ggufTemplates(m)
	t.setEOG(v.endIDs())
	return t, nil
}

// kind returns the type of a token.
func (v *ggufVocab) kind(id int) int64 {
	if v.types == nil {
		return typeNormal
	}
	return v.types[id]
}

// ggufAdded finds the tokens that are cut out of the text.
func (b *builder) ggufAdded(v *ggufVocab) {
	for id, token := range v.tokens {
		kind := v.kind(id)
		control := kind == typeControl || kind == typeUnknown
		if v.types == nil && token != "" {
			control = int32(id) == b.t.special.bos || int32(id) == b.t.special.eos
		}
		if token != "" && (control || kind == typeUserDefined) {
			b.added = append(b.added, addedToken{
				id: int32(id), content: token, control: control, guarded: control || guarded(token),
			})
		}
	}
}

// ggufSpecials reads the ids with a meaning of their own. Files may leave out
// those that are usual for their model.
func (b *builder) ggufSpecials(v *ggufVocab, model string) error {
	s := &b.t.special
	switch model {
	case "llama":
		s.bos, s.eos, s.unk = 1, 2, 0
	case "bert":
		s.bos, s.eos, s.unk, s.pad = 101, 102, 100, 0
	case "t5":
		s.eos, s.unk, s.pad = 1, 2, 0
	}
	for _, k := range []struct {
		key string
		id  *int32
	}{
		{"bos", &s.bos}, {"eos", &s.eos}, {"unknown", &s.unk}, {"padding", &s.pad},
	} {
		key := "tokenizer.ggml." + k.key + "_token_id"
		if id, ok := v.Uint(key); ok {
			if id >= uint64(len(v.tokens)) {
				return fmt.Errorf("%s is %d, of %d tokens", key, id, len(v.tokens))
			}
			*k.id = int32(id)
		}
		if int(*k.id) >= len(v.tokens) {
			*k.id = -1
		}
	}
	return nil
}

// endIDs lists the ids that the file says end a text, a turn or a message.
func (v *ggufVocab) endIDs() []int32 {
	var ids []int32
	for _, key := range []string{"eos", "eot", "eom"} {
		if id, ok := v.Uint("tokenizer.ggml." + key + "_token_id"); ok && id < uint64(len(v.tokens)) {
			ids = append(ids, int32(id))
		}
	}
	return ids
}

// ggufTemplate puts BOS and EOS around a text as the file says, or else as is
// usual.
func (b *builder) ggufTemplate(v *ggufVocab, addBOS, addEOS bool) {
	if add, ok := v.Bool("tokenizer.ggml.add_bos_token"); ok {
		addBOS = add
	}
	if add, ok := v.Bool("tokenizer.ggml.add_eos_token"); ok {
		addEOS = add
	}
	s := b.t.special
	if addBOS && s.bos >= 0 {
		b.t.template.before = []int32{s.bos}
	}
	if addEOS && s.eos >= 0 {
		b.t.template.after = []int32{s.eos}
	}
}

// ggufTemplates reads the chat templates.
func (t *Tokenizer) ggufTemplates(m Metadata) {
	t.templates = map[string]string{}
	names, _ := m.Strings("tokenizer.chat_templates")
	for _, name := range names {
		if text, ok := m.String("tokenizer.chat_template." + name); ok {
			t.templates[name] = text
		}
	}
	if text, ok := m.String("tokenizer.chat_template"); ok {
		t.templates["default"] = text
	}
}

// ggufPre maps tokenizer.ggml.pre to what the models of that name have in
// their tokenizer.json.
var ggufPre = map[string]struct {
	splits       []splitter
	gpt2         bool // then ByteLevel's own pattern
	nfc          bool
	ignoreMerges bool
	bos, eos     bool
}{
	"gpt-2":            {gpt2: true},
	"phi-2":            {gpt2: true},
	"roberta-bpe":      {gpt2: true, bos: true, eos: true},
	"smollm":           {splits: []splitter{digits}, gpt2: true},
	"starcoder":        {splits: []splitter{digits}, gpt2: true},
	"llama3":           {splits: []splitter{llama3}, ignoreMerges: true, bos: true},
	"llama-v3":         {splits: []splitter{llama3}, ignoreMerges: true, bos: true},
	"llama-bpe":        {splits: []splitter{llama3}, ignoreMerges: true, bos: true},
	"dbrx":             {splits: []splitter{llama3}},
	"qwen2":            {splits: []splitter{qwen2}, nfc: true},
	"deepseek-r1-qwen": {splits: []splitter{qwen2}, nfc: true},
	"gpt-4o":           {splits: []splitter{gptOSS}},
	"llama4":           {splits: []splitter{gptOSS}},
	"deepseek-v3":      {splits: []splitter{deepseekNumbers, deepseekCJK, deepseekWords}},
	"tekken":           {splits: []splitter{tekken}, ignoreMerges: true, bos: true},
}

// ggufBPE reads a byte-level vocabulary.
func (b *builder) ggufBPE(v *ggufVocab) error {
	pre, ok := ggufPre[v.pre]
	if !ok {
		return fmt.Errorf("tokenizer.ggml.pre %q is not known: want one of %s", v.pre, strings.Join(preNames(), ", "))
	}
	b.byteLevel = true
	b.t.pre.splits = pre.splits
	if pre.gpt2 {
		b.t.pre.byteSplit = gpt2
	}
	if pre.nfc {
		b.t.norm = forms["NFC"]
	}
	if err := b.ggufTokens(v, nil); err != nil {
		return err
	}
	merges, ok := v.Strings("tokenizer.ggml.merges")
	if !ok {
		return errors.New("tokenizer.ggml.merges is not there")
	}
	list := b.mergeList(len(merges))
	for i, merge := range merges {
		left, right, ok := strings.Cut(merge, " ")
		if !ok {
			return fmt.Errorf("merge %d is %q: want two tokens with a space between", i, clip(merge))
		}
		if err := addMerge(list, left, right); err != nil {
			return err
		}
	}
	b.bpe(list.pairs, bpeOptions{unk: -1, ignoreMerges: pre.ignoreMerges})
	b.ggufTemplate(v, pre.bos, pre.eos)
	return nil
}

func preNames() []string {
	var names []string
	for name := range ggufPre {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
