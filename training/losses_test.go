package training

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"graft/internal/reftest"
)

// TestLosses: the losses of examples by themselves add up to that of PyTorch over all,
// which with B at zero is the base's.
func TestLosses(t *testing.T) {
	ctx := context.Background()
	m := openTiny(t, "llama")
	g := reftest.Load(t, filepath.Join("testdata", "llama.safetensors"))
	e := goldenExamples(t, g)
	// The first of the golden's steps is about examples 0 and 1 before anything is learnt.
	got, err := Losses(ctx, nil, m, e[:2], nil)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	sum, weight := 0.0, 0.0
	for i := range got {
		of := 0.0
		for _, w := range e[i].Weights {
			of += float64(w)
		}
		sum, weight = sum+of*got[i], weight+of
	}
	if want := float64(g.Tensor(t, "steps.loss").Data[0]); math.Abs(sum/weight-want) > 1e-5*want || got[0] == got[1] {
		t.Errorf("mean of %v is %v, want %v", got, sum/weight, want)
	}
	stop := errors.New("stop")
	if _, err := Losses(ctx, nil, m, e, func(context.Context) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	e[1].IDs[0] = 1 << 20
	if _, err := Losses(ctx, nil, m, e, nil); err == nil || !strings.Contains(err.Error(), "example 2") {
		t.Errorf("%v", err)
	}
}
