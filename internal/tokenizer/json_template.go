package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

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
				return errors.New("TemplateProcessing: want sequence A once, and special tokens")
			}
		}
		if !seen {
			return errors.New("TemplateProcessing: sequence A is not there")
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
