package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode"
)

// jsonPreTokenizer reads the pre_tokenizer.
func (b *builder) jsonPreTokenizer(f *jsonFile) error {
	if absent(f.PreTokenizer) {
		return nil
	}
	if err := b.readPreTokenizer(f.PreTokenizer, 0); err != nil {
		return fmt.Errorf("pre_tokenizer: %w", err)
	}
	return nil
}

func (b *builder) readPreTokenizer(raw json.RawMessage, depth int) error {
	var p struct {
		Type             string            `json:"type"`
		PreTokenizers    []json.RawMessage `json:"pretokenizers"`
		AddPrefixSpace   *bool             `json:"add_prefix_space"`
		UseRegex         *bool             `json:"use_regex"`
		Pattern          jsonPattern       `json:"pattern"`
		Behavior         *string           `json:"behavior"`
		Delimiter        string            `json:"delimiter"`
		Invert           bool              `json:"invert"`
		IndividualDigits bool              `json:"individual_digits"`
		Replacement      string            `json:"replacement"`
		PrependScheme    string            `json:"prepend_scheme"`
		Split            *bool             `json:"split"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	pre := &b.t.pre
	if p.Type != "Sequence" && (b.byteLevel || pre.metaspace != nil) {
		return fmt.Errorf("%s after ByteLevel or Metaspace is not supported", p.Type)
	}
	switch p.Type {
	case "Sequence":
		if depth > maxDepth {
			return fmt.Errorf("nested more than %d deep", maxDepth)
		}
		for _, part := range p.PreTokenizers {
			if err := b.readPreTokenizer(part, depth+1); err != nil {
				return err
			}
		}
	case "ByteLevel":
		b.byteLevel = true
		pre.addPrefixSpace = p.AddPrefixSpace == nil || *p.AddPrefixSpace
		if p.UseRegex == nil || *p.UseRegex {
			pre.byteSplit = gpt2
		}
	case "Digits":
		if p.IndividualDigits {
			pre.splits = append(pre.splits, digits)
		} else {
			pre.splits = append(pre.splits, digitRuns)
		}
	case "BertPreTokenizer":
		pre.splits = append(pre.splits, bertWords)
	case "Whitespace":
		pre.splits = append(pre.splits, wordsAndSigns)
	case "WhitespaceSplit":
		pre.splits = append(pre.splits, mustSplit(runes{is: unicode.IsSpace, many: 1}, "Removed"))
	case "Punctuation":
		behavior := "Isolated"
		if p.Behavior != nil {
			behavior = *p.Behavior
		}
		split, err := splitAt(runes{is: isPunctuation, many: 1}, behavior, false)
		if err != nil {
			return err
		}
		pre.splits = append(pre.splits, split)
	case "CharDelimiterSplit":
		if p.Delimiter == "" {
			return errors.New("CharDelimiterSplit without a delimiter")
		}
		pre.splits = append(pre.splits, mustSplit(literal(p.Delimiter), "Removed"))
	case "Metaspace":
		return b.readMetaspace(p.Replacement, p.PrependScheme, p.AddPrefixSpace, p.Split)
	case "Split":
		if p.Behavior == nil {
			return errors.New("Split without a behavior")
		}
		split, err := readSplit(p.Pattern, *p.Behavior, p.Invert)
		if err != nil {
			return err
		}
		pre.splits = append(pre.splits, split)
	default:
		return fmt.Errorf("type %q is not supported", p.Type)
	}
	return nil
}

// readMetaspace reads a Metaspace pre-tokenizer. Before there were schemes,
// add_prefix_space said whether there is a prefix.
func (b *builder) readMetaspace(mark, scheme string, addPrefix, split *bool) error {
	m := &metaspace{replacement: mark, split: split == nil || *split}
	if mark == "" {
		m.replacement = blank
	}
	switch {
	case scheme == "always" || scheme == "" && (addPrefix == nil || *addPrefix):
		m.prefix = prefixAlways
	case scheme == "first":
		m.prefix = prefixFirst
		b.t.aligned = true
	case scheme == "never", scheme == "":
		m.prefix = prefixNever
	default:
		return fmt.Errorf("Metaspace with prepend_scheme %q is not known", scheme)
	}
	b.t.pre.metaspace = m
	return nil
}
