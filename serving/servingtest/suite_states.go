package servingtest

import (
	"errors"
	"slices"
	"strings"

	"graft/serving"
)

// testTokenStates: each text has its own tokens, with a vector each, whoever is beside it.
func testTokenStates(r *run, e serving.TokenEncoder) {
	req := &serving.TokenStatesRequest{Model: r.s.Embed, Texts: []string{"the sea", "", "a green hill far away", "the sea"}}
	out, err := e.EncodeTokens(r.Context(), req)
	if errors.Is(err, serving.ErrUnsupported) {
		r.Skipf("this backend gives no states: %v", err)
	}
	if err != nil {
		r.Fatal(err)
	}
	if len(out.Texts) != 4 || out.Usage.Prompt <= 0 || out.Layer <= 0 {
		r.Fatalf("%d texts, usage %+v, layer %d", len(out.Texts), out.Usage, out.Layer)
	}
	total := 0
	for i, s := range out.Texts {
		n := len(s.IDs)
		total += n
		if n == 0 || len(s.Strings) != n || len(s.Special) != n || len(s.Vectors) != n {
			r.Fatalf("text %d has %d ids, %d strings, %d marks and %d vectors", i, n, len(s.Strings), len(s.Special), len(s.Vectors))
		}
		if ordinary := slices.Contains(s.Special, false); ordinary != (req.Texts[i] != "") {
			r.Errorf("%q has marks %v", req.Texts[i], s.Special)
		}
		for _, v := range s.Vectors {
			if len(v) == 0 || len(v) != len(out.Texts[0].Vectors[0]) {
				r.Errorf("a vector of text %d has %d numbers", i, len(v))
			}
		}
	}
	if total != out.Usage.Prompt {
		r.Errorf("%d tokens, usage %d", total, out.Usage.Prompt)
	}
	equal := func(a, b serving.TextStates) bool {
		return slices.Equal(a.IDs, b.IDs) && slices.EqualFunc(a.Vectors, b.Vectors, slices.Equal[[]float32])
	}
	alone, err := e.EncodeTokens(r.Context(), &serving.TokenStatesRequest{Model: r.s.Embed, Texts: req.Texts[2:3]})
	if err != nil || !equal(alone.Texts[0], out.Texts[2]) || !equal(out.Texts[0], out.Texts[3]) {
		r.Errorf("alone a text has other states than among others (%v)", err)
	}
	many, err := e.EncodeTokens(r.Context(), &serving.TokenStatesRequest{Model: r.s.Embed, Texts: slices.Repeat(req.Texts[2:], 20)})
	if err != nil || len(many.Texts) != 40 || !equal(many.Texts[39], out.Texts[3]) || !equal(many.Texts[38], out.Texts[2]) {
		r.Errorf("forty texts: %v, or other states than of four", err)
	}
	if _, err := e.EncodeTokens(r.Context(), &serving.TokenStatesRequest{Model: r.s.Embed, Texts: req.Texts, Layer: 10_000}); !errors.Is(err, serving.ErrUnsupported) {
		r.Errorf("layer 10000: %v, want %v", err, serving.ErrUnsupported)
	}
	if !r.s.ContextErrors {
		return
	}
	long := &serving.TokenStatesRequest{Model: r.s.Embed, Texts: []string{strings.Repeat("one two three ", 3000)}}
	if _, err := e.EncodeTokens(r.Context(), long); !errors.Is(err, serving.ErrContextLength) {
		r.Errorf("too long: %v, want %v", err, serving.ErrContextLength)
	}
	long.Truncate = true
	if out, err := e.EncodeTokens(r.Context(), long); err != nil || !out.Texts[0].Special[len(out.Texts[0].IDs)-1] {
		r.Errorf("truncated: %v; the token that ends a text has to stay", err)
	}
}
