package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// jsonPattern is what Split and Replace look for.
type jsonPattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// jsonNormaliser reads the normalizer.
func (b *builder) jsonNormaliser(f *jsonFile) error {
	if absent(f.Normalizer) {
		return nil
	}
	list, err := readNormaliser(nil, f.Normalizer, 0)
	if err != nil {
		return fmt.Errorf("normalizer: %w", err)
	}
	if len(list) == 1 {
		b.t.norm = list[0]
	} else if len(list) > 1 {
		b.t.norm = list
	}
	return nil
}

func readNormaliser(list normalisers, raw json.RawMessage, depth int) (normalisers, error) {
	var n struct {
		Type         string            `json:"type"`
		Normalizers  []json.RawMessage `json:"normalizers"`
		Prepend      string            `json:"prepend"`
		Pattern      jsonPattern       `json:"pattern"`
		Content      string            `json:"content"`
		StripLeft    bool              `json:"strip_left"`
		StripRight   bool              `json:"strip_right"`
		CleanText    bool              `json:"clean_text"`
		ChineseChars bool              `json:"handle_chinese_chars"`
		StripAccents *bool             `json:"strip_accents"`
		Lowercase    bool              `json:"lowercase"`
		Charsmap     []byte            `json:"precompiled_charsmap"`
	}
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, err
	}
	switch n.Type {
	case "Sequence":
		if depth > maxDepth {
			return nil, fmt.Errorf("nested more than %d deep", maxDepth)
		}
		for _, part := range n.Normalizers {
			var err error
			if list, err = readNormaliser(list, part, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case "NFC", "NFD", "NFKC", "NFKD":
		return append(list, forms[n.Type]), nil
	case "Lowercase":
		return append(list, runeMap(lowercase)), nil
	case "StripAccents":
		return append(list, runeMap(dropMarks)), nil
	case "Nmt":
		return append(list, runeMap(nmt)), nil
	case "Strip":
		return append(list, trimmer{n.StripLeft, n.StripRight}), nil
	case "BertNormalizer":
		accents := n.Lowercase
		if n.StripAccents != nil {
			accents = *n.StripAccents
		}
		return append(list, bertNormaliser(n.CleanText, n.ChineseChars, accents, n.Lowercase)...), nil
	case "Precompiled":
		m, err := newCharsmap(n.Charsmap)
		if err != nil {
			return nil, err
		}
		return append(list, m), nil
	case "Prepend":
		return append(list, prepender(n.Prepend)), nil
	case "Replace":
		if n.Pattern.String != nil && *n.Pattern.String != "" {
			return append(list, replacer{*n.Pattern.String, n.Content}), nil
		}
		if n.Pattern.Regex != nil && *n.Pattern.Regex == " {2,}" {
			return append(list, spaceRuns(n.Content)), nil
		}
		if n.Pattern.Regex != nil {
			return nil, fmt.Errorf("Replace with the regular expression %q is not supported", clip(*n.Pattern.Regex))
		}
		return nil, errors.New("Replace without a pattern")
	}
	return nil, fmt.Errorf("type %q is not supported", n.Type)
}
