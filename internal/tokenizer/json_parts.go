package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode"
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
		return nil, fmt.Errorf("Replace without a pattern")
	}
	return nil, fmt.Errorf("type %q is not supported", n.Type)
}

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

// jsonDecoder reads the decoder.
func (b *builder) jsonDecoder(f *jsonFile) error {
	if absent(f.Decoder) {
		b.t.decoder.words = &wordJoin{}
		return nil
	}
	if err := b.readDecoder(f.Decoder, 0); err != nil {
		return fmt.Errorf("decoder: %w", err)
	}
	return nil
}

func (b *builder) readDecoder(raw json.RawMessage, depth int) error {
	var p struct {
		Type           string            `json:"type"`
		Decoders       []json.RawMessage `json:"decoders"`
		Pattern        jsonPattern       `json:"pattern"`
		Content        string            `json:"content"`
		Start          int               `json:"start"`
		Stop           int               `json:"stop"`
		Prefix         string            `json:"prefix"`
		Cleanup        bool              `json:"cleanup"`
		Replacement    string            `json:"replacement"`
		PrependScheme  string            `json:"prepend_scheme"`
		AddPrefixSpace *bool             `json:"add_prefix_space"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	d := &b.t.decoder
	switch p.Type {
	case "Sequence":
		if depth > maxDepth {
			return fmt.Errorf("nested more than %d deep", maxDepth)
		}
		for _, part := range p.Decoders {
			if err := b.readDecoder(part, depth+1); err != nil {
				return err
			}
		}
	case "ByteLevel":
		if !b.byteLevel {
			return fmt.Errorf("ByteLevel without a pre-tokenizer of that type is not supported")
		}
	case "Replace":
		if p.Pattern.String == nil || *p.Pattern.String == "" || p.Content != " " || d.blank != "" || b.byteLevel {
			return fmt.Errorf("Replace is supported from one string to a space, once")
		}
		d.blank = *p.Pattern.String
	case "Metaspace":
		if d.blank != "" || b.byteLevel {
			return errors.New("Metaspace is supported on its own")
		}
		if d.blank = p.Replacement; d.blank == "" {
			d.blank = blank
		}
		d.openBlank = p.PrependScheme != "never" && (p.AddPrefixSpace == nil || *p.AddPrefixSpace)
	case "WordPiece":
		d.words = &wordJoin{prefix: p.Prefix, cleanup: p.Cleanup}
	case "ByteFallback":
		d.fallback = true
	case "Fuse":
		d.fused = true
	case "Strip":
		if p.Content != " " || p.Start < 0 || p.Stop != 0 || !d.fused {
			return fmt.Errorf("Strip is supported for spaces at the start, after Fuse")
		}
		d.strip = p.Start
	default:
		return fmt.Errorf("type %q is not supported", p.Type)
	}
	return nil
}

// jsonTemplate reads the post_processor.
func (b *builder) jsonTemplate(f *jsonFile) error {
	if absent(f.PostProcessor) {
		return nil
	}
	if err := b.readTemplate(f.PostProcessor, 0); err != nil {
		return fmt.Errorf("post_processor: %w", err)
	}
	return nil
}

func (b *builder) readTemplate(raw json.RawMessage, depth int) error {
	type piece struct {
		SpecialToken *struct {
			ID string `json:"id"`
		} `json:"SpecialToken"`
		Sequence *struct {
			ID string `json:"id"`
		} `json:"Sequence"`
	}
	var p struct {
		Type       string            `json:"type"`
		Processors []json.RawMessage `json:"processors"`
		Single     []piece           `json:"single"`
		Tokens     map[string]struct {
			IDs []int64 `json:"ids"`
		} `json:"special_tokens"`
		CLS jsonPair `json:"cls"`
		SEP jsonPair `json:"sep"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	t := &b.t.template
	switch p.Type {
	case "Sequence":
		if depth > maxDepth {
			return fmt.Errorf("nested more than %d deep", maxDepth)
		}
		for _, part := range p.Processors {
			if err := b.readTemplate(part, depth+1); err != nil {
				return err
			}
		}
	case "ByteLevel": // trims offsets only
	case "BertProcessing", "RobertaProcessing":
		return t.around([]int64{p.CLS.id}, []int64{p.SEP.id})
	case "TemplateProcessing":
		var before, after []int64
		seen := false
		for _, part := range p.Single {
			switch {
			case part.Sequence != nil && part.Sequence.ID == "A" && !seen:
				seen = true
			case part.SpecialToken != nil:
				tok, ok := p.Tokens[part.SpecialToken.ID]
				if !ok {
					return fmt.Errorf("TemplateProcessing: special token %q is not defined", clip(part.SpecialToken.ID))
				}
				if seen {
					after = append(after, tok.IDs...)
				} else {
					before = append(before, tok.IDs...)
				}
			default:
				return fmt.Errorf("TemplateProcessing: want sequence A once, and special tokens")
			}
		}
		if !seen {
			return fmt.Errorf("TemplateProcessing: sequence A is not there")
		}
		return t.around(before, after)
	default:
		return fmt.Errorf("type %q is not supported", p.Type)
	}
	return nil
}

// jsonPair is a token and its id, written ["[CLS]", 101].
type jsonPair struct{ id int64 }

func (p *jsonPair) UnmarshalJSON(b []byte) error {
	var pair [2]any
	if err := json.Unmarshal(b, &pair); err != nil {
		return err
	}
	id, ok := pair[1].(float64)
	if !ok {
		return fmt.Errorf("want a token and its id, have %s", clip(string(b)))
	}
	p.id = int64(id)
	return nil
}

// around puts ids before and after what is there already.
func (t *template) around(before, after []int64) error {
	head := make([]int32, 0, len(before)+len(t.before))
	for _, id := range append(before, after...) {
		if id < 0 || id >= maxVocab {
			return fmt.Errorf("token id %d: want 0 to %d", id, maxVocab-1)
		}
	}
	for _, id := range before {
		head = append(head, int32(id))
	}
	t.before = append(head, t.before...)
	for _, id := range after {
		t.after = append(t.after, int32(id))
	}
	return nil
}
