package servingtest

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"graft/serving"
)

// withAdapter is a request that an adapter changes.
func (r *run) withAdapter(weight float32) *serving.Request {
	req := r.request(hello)
	req.Adapters = []serving.AdapterUse{{Generation: r.s.Adapter, Weight: weight}}
	return req
}

var unknownAdapter = "sha256:" + strings.Repeat("0", 64)

func testNoAdapters(r *run) {
	req := r.request(hello)
	req.Adapters = []serving.AdapterUse{{Generation: unknownAdapter, Weight: 1}}
	var p *serving.ParamError
	if err := r.refused(req, serving.ErrUnsupported); !errors.As(err, &p) || p.Param != "adapters" {
		r.Errorf("%v: want an error about the field adapters", err)
	}
}

func testAdapter(r *run) {
	base, with := r.must(r.request(hello)), r.must(r.withAdapter(1))
	if base.text[0] == with.text[0] || base.Fingerprint == with.Fingerprint {
		r.Errorf("%q (%s) by the base and %q (%s) by the adapter", base.text[0], base.Fingerprint, with.text[0], with.Fingerprint)
	}
	var wg sync.WaitGroup
	for i := range 8 { // together, and after each other
		wg.Go(func() {
			req, want := r.request(hello), base
			if i%2 == 1 {
				req, want = r.withAdapter(1), with
			}
			got, err := r.generate(r.Context(), req, nil)
			if err != nil {
				r.Error(err)
			} else if got.text[0] != want.text[0] || got.Fingerprint != want.Fingerprint {
				r.Errorf("%q (%s) among others, %q (%s) alone", got.text[0], got.Fingerprint, want.text[0], want.Fingerprint)
			}
		})
	}
	wg.Wait()
	if nothing := r.must(r.withAdapter(0)); nothing.text[0] != base.text[0] {
		r.Errorf("an adapter of weight 0 answers %q, the base %q", nothing.text[0], base.text[0])
	}
	two := r.withAdapter(1)
	two.Adapters = append(two.Adapters, serving.AdapterUse{Generation: unknownAdapter, Weight: 1})
	r.refused(two, serving.ErrAdapter)
	two.Adapters = two.Adapters[1:]
	r.refused(two, serving.ErrAdapter)
}

func testResidency(r *run, memory serving.Residency) {
	find := func() *serving.Resident {
		r.Helper()
		list := memory.Residents()
		i := slices.IndexFunc(list, func(x serving.Resident) bool { return x.Generation == r.s.Adapter })
		if i < 0 {
			return nil
		}
		return &list[i]
	}
	if err := memory.Warm(r.Context(), r.s.Chat, r.s.Adapter); err != nil {
		r.Fatal(err)
	}
	if x := find(); x == nil || x.Model != r.s.Chat || x.Leases != 0 || x.Pinned {
		r.Fatalf("after Warm: %+v", x)
	}
	memory.Pin(r.s.Adapter, true)
	if x := find(); x == nil || !x.Pinned {
		r.Errorf("after Pin: %+v", x)
	}
	memory.Pin(r.s.Adapter, false)
	before := r.must(r.withAdapter(1))
	if x := find(); x == nil || x.Leases != 0 {
		r.Errorf("after an answer: %+v", x)
	}
	if err := memory.Unload(r.Context(), r.s.Adapter); err != nil {
		r.Error(err)
	}
	if x := find(); x != nil {
		r.Errorf("after Unload: %+v", x)
	}
	if after := r.must(r.withAdapter(1)); after.text[0] != before.text[0] || after.Fingerprint != before.Fingerprint {
		r.Errorf("%q (%s) after it was loaded anew, %q (%s) before", after.text[0], after.Fingerprint, before.text[0], before.Fingerprint)
	}
	if err := memory.Warm(r.Context(), r.s.Chat, unknownAdapter); !errors.Is(err, serving.ErrAdapter) {
		r.Errorf("%v, want %v", err, serving.ErrAdapter)
	}
	if err := memory.Warm(r.Context(), "no-such-model", r.s.Adapter); !errors.Is(err, serving.ErrModelNotFound) {
		r.Errorf("%v, want %v", err, serving.ErrModelNotFound)
	}
	if err := memory.Unload(r.Context(), unknownAdapter); err != nil {
		r.Errorf("unloading what is not in memory: %v", err)
	}
}
