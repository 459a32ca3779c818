package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoTokenizer is why a GGUF file of weights alone has none.
var ErrNoTokenizer = errors.New("the GGUF file has no tokenizer")

// preRegexes are the patterns of Split before ByteLevel that models of a
// tokenizer.ggml.pre have in their tokenizer.json; those without any use
// ByteLevel's own. Digits stands for the pre-tokenizer of that name.
var preRegexes = map[string][]string{
	"gpt-2": nil, "phi-2": nil, "roberta-bpe": nil,
	"smollm": {digitsAlone}, "starcoder": {digitsAlone},
	"llama3":           {words + `|\p{N}{1,3}|` + signsAndSpace},
	"llama-v3":         {words + `|\p{N}{1,3}|` + signsAndSpace},
	"llama-bpe":        {words + `|\p{N}{1,3}|` + signsAndSpace},
	"dbrx":             {words + `|\p{N}{1,3}|` + signsAndSpace},
	"qwen2":            {words + `|\p{N}|` + signsAndSpace},
	"deepseek-r1-qwen": {words + `|\p{N}|` + signsAndSpace},
	"gpt-4o":           {endsInLower + endings + `|` + beginsInUpper + endings + `|\p{N}{1,3}|` + signsSlash},
	"llama4":           {endsInLower + endings + `|` + beginsInUpper + endings + `|\p{N}{1,3}|` + signsSlash},
	"tekken":           {endsInLower + `|` + beginsInUpper + `|\p{N}|` + signsSlash},
	"deepseek-v3": {`\p{N}{1,3}`, `[一-龥぀-ゟ゠-ヿ]+`,
		"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"},
}

const digitsAlone = "Digits"

// FolderFromGGUF makes the files of a Hugging Face folder that hold the tokenizer
// of a GGUF file: tokenizer.json and tokenizer_config.json, by name. They encode,
// decode and render as FromGGUF does. Byte-level BPE and SentencePiece's BPE can
// be written so.
func FolderFromGGUF(m Metadata) (map[string][]byte, error) {
	model, ok := m.String("tokenizer.ggml.model")
	if !ok {
		return nil, ErrNoTokenizer
	}
	t, err := FromGGUF(m) // checks everything
	if err != nil {
		return nil, err
	}
	v := &ggufVocab{Metadata: m}
	v.pre, _ = m.String("tokenizer.ggml.pre")
	v.tokens, _ = m.Strings("tokenizer.ggml.tokens")
	v.types, _ = m.Ints("tokenizer.ggml.token_type")
	b := newBuilder()
	if err := b.ggufSpecials(v, model); err != nil {
		return nil, err
	}
	b.ggufAdded(v)
	file := object{}
	switch model {
	case "gpt2":
		err = v.folderBPE(file)
	case "llama":
		err = b.folderSPM(v, file, t)
	default:
		err = fmt.Errorf("a tokenizer.json of tokenizer.ggml.model %q cannot be made", model)
	}
	if err != nil {
		return nil, err
	}
	file["version"], file["truncation"], file["padding"] = "1.0", nil, nil
	var added []jsonAdded
	for _, a := range b.added {
		added = append(added, jsonAdded{
			ID: int64(a.id), Content: a.content, LStrip: a.lstrip, RStrip: a.rstrip, Normalized: a.normalized, Special: a.control,
		})
	}
	slices.SortFunc(added, func(x, y jsonAdded) int { return int(x.ID - y.ID) })
	file["added_tokens"] = added
	file["post_processor"] = around(t, v.tokens)
	text, err := marshal(file)
	if err != nil {
		return nil, err
	}
	config, err := marshal(folderSettings(t, v, b))
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"tokenizer.json": text, "tokenizer_config.json": config}, nil
}

// object is a JSON object.
type object = map[string]any

// marshal writes <, > and & as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

// folderBPE is the model part of a byte-level tokenizer.
func (v *ggufVocab) folderBPE(file object) error {
	pre, regexes := ggufPre[v.pre], preRegexes[v.pre]
	var steps []object
	own := true
	for _, r := range regexes {
		if r == digitsAlone {
			steps = append(steps, object{"type": "Digits", "individual_digits": true})
			continue
		}
		own = false
		steps = append(steps, object{"type": "Split", "pattern": object{"Regex": r}, "behavior": "Isolated", "invert": false})
	}
	steps = append(steps, object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": own})
	file["pre_tokenizer"] = object{"type": "Sequence", "pretokenizers": steps}
	file["normalizer"] = nil
	if pre.nfc {
		file["normalizer"] = object{"type": "NFC"}
	}
	file["decoder"] = object{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}
	list, _ := v.Strings("tokenizer.ggml.merges")
	merges := make([][2]string, len(list))
	for i, merge := range list {
		merges[i][0], merges[i][1], _ = strings.Cut(merge, " ")
	}
	file["model"] = object{
		"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
		"fuse_unk": false, "byte_fallback": false, "ignore_merges": pre.ignoreMerges, "vocab": v.folderVocab(nil), "merges": merges,
	}
	return nil
}

// folderVocab is the vocabulary by token.
func (v *ggufVocab) folderVocab(as func(id int, token string) string) map[string]int {
	vocab := map[string]int{}
	for id, token := range v.tokens {
		if token == "" || v.kind(id) == typeUnused {
			continue
		}
		if as != nil {
			token = as(id, token)
		}
		vocab[token] = id
	}
	return vocab
}

// around is the post_processor that puts BOS and EOS around a text.
func around(t *Tokenizer, names []string) any {
	if len(t.template.before)+len(t.template.after) == 0 {
		return nil
	}
	tokens := object{}
	var single, pair []object
	put := func(id int32, kind int) {
		name := names[id]
		tokens[name] = object{"id": name, "ids": []int32{id}, "tokens": []string{name}}
		piece := object{"SpecialToken": object{"id": name, "type_id": kind}}
		if pair = append(pair, piece); kind == 0 {
			single = append(single, piece)
		}
	}
	for kind, text := range []string{"A", "B"} {
		for _, id := range t.template.before {
			put(id, kind)
		}
		sequence := object{"Sequence": object{"id": text, "type_id": kind}}
		if pair = append(pair, sequence); kind == 0 {
			single = append(single, sequence)
		}
		for _, id := range t.template.after {
			put(id, kind)
		}
	}
	return object{"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": tokens}
}

// folderSettings is tokenizer_config.json.
func folderSettings(t *Tokenizer, v *ggufVocab, b *builder) object {
	config := object{"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false, "model_max_length": int64(1e18)}
	for role, id := range map[string]int32{"bos_token": b.t.special.bos, "eos_token": b.t.special.eos, "unk_token": b.t.special.unk, "pad_token": b.t.special.pad} {
		if id >= 0 {
			config[role] = v.tokens[id]
		}
	}
	templates := t.Templates()
	switch one, ok := templates["default"]; {
	case ok && len(templates) == 1:
		config["chat_template"] = one
	case len(templates) > 0:
		var list []object
		for name, text := range templates {
			list = append(list, object{"name": name, "template": text})
		}
		slices.SortFunc(list, func(x, y object) int { return strings.Compare(x["name"].(string), y["name"].(string)) })
		config["chat_template"] = list
	}
	return config
}
