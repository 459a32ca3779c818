package servingtest

import (
	"context"
	"unicode/utf8"

	"graft/serving"
)

// Tokenize cuts text into the tokens described at Fake.
func (f *Fake) Tokenize(_ context.Context, req *serving.TokenizeRequest) (*serving.Tokens, error) {
	m, err := f.model(req.Model)
	if err != nil {
		return nil, err
	}
	ids := fakeEncode(req.Prompt)
	if req.Messages != nil {
		ids = messageIDs(req.Messages)
	}
	out := &serving.Tokens{IDs: ids, Context: m.Context}
	for _, id := range ids {
		out.Strings = append(out.Strings, string(fakeBytes(id)))
	}
	return out, nil
}

// Detokenize joins the bytes of the tokens.
func (f *Fake) Detokenize(_ context.Context, model string, ids []int32) (string, error) {
	if _, err := f.model(model); err != nil {
		return "", err
	}
	return fakeDecode(ids), nil
}

// EncodeTokens gives each token the vector of a 1 and the bits of its id modulo 8, between
// two marks with the id 0.
func (f *Fake) EncodeTokens(ctx context.Context, req *serving.TokenStatesRequest) (*serving.TokenStates, error) {
	m, err := f.model(req.Model)
	if err != nil {
		return nil, err
	}
	if !m.Embedder || req.Layer > 2 {
		return nil, &serving.ParamError{Param: "layer", Message: "only the fake embedder's layers 1 and 2 are there"}
	}
	out := &serving.TokenStates{Layer: max(req.Layer, 1)}
	for _, text := range req.Texts {
		ids := append(append([]int32{0}, fakeEncode(text)...), 0)
		if len(ids) > m.Context {
			if !req.Truncate {
				return nil, &serving.ContextError{Context: m.Context, Prompt: len(ids)}
			}
			ids = append(ids[:m.Context-1], 0)
		}
		s := serving.TextStates{IDs: ids}
		for _, id := range ids {
			s.Strings = append(s.Strings, string(fakeBytes(id)))
			s.Special = append(s.Special, id == 0)
			s.Vectors = append(s.Vectors, []float32{1, float32(id & 1), float32(id >> 1 & 1), float32(id >> 2 & 1)})
		}
		out.Texts = append(out.Texts, s)
		out.Usage.Prompt += len(ids)
	}
	return out, ctx.Err()
}

func fakeEncode(text string) []int32 {
	var ids []int32
	for i := 0; i < len(text); {
		id := int32(text[i])
		n := 1
		for ; n < 3 && i+n < len(text) && text[i+n] != ' '; n++ {
			id = id<<8 | int32(text[i+n])
		}
		ids = append(ids, id)
		i += n
	}
	return ids
}

func fakeBytes(id int32) []byte {
	switch {
	case id < 1<<8:
		return []byte{byte(id)}
	case id < 1<<16:
		return []byte{byte(id >> 8), byte(id)}
	default:
		return []byte{byte(id >> 16), byte(id >> 8), byte(id)}
	}
}

func fakeDecode(ids []int32) string {
	var b []byte
	for _, id := range ids {
		b = append(b, fakeBytes(id)...)
	}
	return string(b)
}

// wholeRunes is the length of s without an incomplete rune at its end.
func wholeRunes(s string) int {
	for n := 1; n < utf8.UTFMax && n <= len(s); n++ {
		if c := s[len(s)-n]; utf8.RuneStart(c) {
			if !utf8.FullRuneInString(s[len(s)-n:]) {
				return len(s) - n
			}
			break
		}
	}
	return len(s)
}
