package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// jsonDecoder reads the decoder.
func (b *builder) jsonDecoder(f *jsonFile) error {
	if absent(f.Decoder) && !b.byteLevel { // tokens with spaces between
		b.t.decoder.words = &wordJoin{}
		return nil
	}
	if absent(f.Decoder) {
		return errors.New("no decoder: the pre-tokenizer ByteLevel needs the decoder of that type")
	}
	if err := b.readDecoder(f.Decoder, 0); err != nil {
		return fmt.Errorf("decoder: %w", err)
	}
	if b.byteLevel && b.t.decoder != (decoding{bytes: true}) {
		return errors.New("decoder: the pre-tokenizer ByteLevel needs the decoder of that type, alone")
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
			return errors.New("ByteLevel without a pre-tokenizer of that type is not supported")
		}
		d.bytes = true
	case "Replace":
		if p.Pattern.String == nil || *p.Pattern.String == "" || p.Content != " " || d.blank != "" {
			return errors.New("Replace is supported from one string to a space, once")
		}
		d.blank = *p.Pattern.String
	case "Metaspace":
		if d.blank != "" {
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
			return errors.New("Strip is supported for spaces at the start, after Fuse")
		}
		d.strip = p.Start
	default:
		return fmt.Errorf("type %q is not supported", p.Type)
	}
	return nil
}
