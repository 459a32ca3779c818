package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"unicode/utf8"
)

// maxJSON bounds tokenizer.json: eight times the largest in use.
const maxJSON = 256 << 20

// jsonFile is a tokenizer.json cut into its parts.
type jsonFile struct {
	AddedTokens   []jsonAdded
	Normalizer    json.RawMessage
	PreTokenizer  json.RawMessage
	PostProcessor json.RawMessage
	Decoder       json.RawMessage
	Model         jsonModel
}

type jsonAdded struct {
	ID         int64  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

type jsonModel struct {
	Type                    string   `json:"type"`
	Dropout                 *float64 `json:"dropout"`
	UnkToken                *string  `json:"unk_token"`
	ContinuingSubwordPrefix *string  `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string  `json:"end_of_word_suffix"`
	FuseUnk                 bool     `json:"fuse_unk"`
	ByteFallback            bool     `json:"byte_fallback"`
	IgnoreMerges            bool     `json:"ignore_merges"`
	MaxInputCharsPerWord    *int     `json:"max_input_chars_per_word"`
	UnkID                   *int64   `json:"unk_id"`

	Vocab, Merges []byte // JSON text
}

// readJSON reads a tokenizer.json into a builder.
func readJSON(path string) (*builder, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxJSON {
		return nil, fmt.Errorf("%s: %d bytes, at most %d are read", path, info.Size(), maxJSON)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b, err := parseJSON(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// parseJSON reads the text of a tokenizer.json.
func parseJSON(data []byte) (*builder, error) {
	f, err := cutJSON(data)
	if err != nil {
		return nil, err
	}
	b := newBuilder()
	for _, step := range []func(*jsonFile) error{
		b.jsonNormaliser, b.jsonPreTokenizer, b.jsonDecoder, b.jsonAdded, b.jsonModel, b.jsonTemplate,
	} {
		if err := step(f); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func cutJSON(data []byte) (*jsonFile, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	f := &jsonFile{}
	s := &scanner{b: data}
	model, added := []byte(nil), []byte(nil)
	parts := map[string]*[]byte{
		"added_tokens": &added, "normalizer": (*[]byte)(&f.Normalizer), "pre_tokenizer": (*[]byte)(&f.PreTokenizer),
		"post_processor": (*[]byte)(&f.PostProcessor), "decoder": (*[]byte)(&f.Decoder), "model": &model,
	}
	err := s.object(func(key []byte) error {
		part := parts[string(key)]
		value, err := s.skip()
		if part != nil {
			*part = value
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.peek() != 0 {
		return nil, s.fail("the end")
	}
	if added != nil {
		if err := json.Unmarshal(added, &f.AddedTokens); err != nil {
			return nil, fmt.Errorf("added_tokens: %w", err)
		}
	}
	if model == nil {
		return nil, errors.New("no model: is this a tokenizer.json?")
	}
	return f, f.Model.cut(model)
}

// cut takes the vocabulary and the merges out and decodes the rest.
func (m *jsonModel) cut(model []byte) error {
	s := &scanner{b: model}
	rest := []byte{'{'}
	err := s.object(func(b []byte) error {
		key := string(b)
		value, err := s.skip()
		switch key {
		case "vocab":
			m.Vocab = value
		case "merges":
			m.Merges = value
		default:
			name, _ := json.Marshal(key)
			rest = append(append(append(append(rest, name...), ':'), value...), ',')
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if rest[len(rest)-1] == ',' {
		rest = rest[:len(rest)-1]
	}
	if err := json.Unmarshal(append(rest, '}'), m); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// absent says whether a part is missing or null.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
