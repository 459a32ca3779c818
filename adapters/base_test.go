package adapters_test

import (
	"context"
	"testing"

	"graft/adapters"
)

// TestWarm: norms are computed once for all bases of a model, and only until
// somebody ends it.
func TestWarm(t *testing.T) {
	m := tiny(t, "llama", "")
	first := adapters.NewBase(m)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	first.Warm(ended)
	if n := first.Norms().Len(); n != 1 {
		t.Fatalf("%d norms after the end", n)
	}
	first.Warm(context.Background())
	if n := first.Norms().Len(); n != len(m.Linears) {
		t.Fatalf("%d norms of %d projections", n, len(m.Linears))
	}
	second := adapters.NewBase(m)
	second.SetNorms(first.Norms())
	a := readPEFT(t, "lora")
	want, err := adapters.NewBase(m).Check(a)
	if err != nil {
		t.Fatal(err)
	}
	have, err := second.Check(a)
	if err != nil || have.Report.Norm != want.Report.Norm || want.Report.Norm == 0 {
		t.Fatalf("norm %g, want %g, %v", have.Report.Norm, want.Report.Norm, err)
	}
}
