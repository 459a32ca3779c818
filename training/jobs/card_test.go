package jobs

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// keeper keeps what is published.
type keeper struct{ list []Publication }

func (k *keeper) Publish(_ context.Context, p Publication) error {
	p.Adapter = nil
	k.list = append(k.list, p)
	return nil
}

// TestCard: what is published says where it comes from and what was measured, the same
// each time; what differs in a setting differs in the configuration's digest.
func TestCard(t *testing.T) {
	ctx := context.Background()
	l := newLender(t)
	run := func(q Spec) (j Job, first float64, list []Publication) {
		t.Helper()
		p := &keeper{}
		b := openBench(t, t.TempDir(), l, func(o *Options) { o.Publisher = p })
		b.files.write(t, "train", conversations(12))
		b.files.write(t, "valid", conversations(3))
		b.start(t)
		j, err := b.Create(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		j, events := b.await(t, j.ID)
		for _, e := range events {
			if e.Data["step"] == 0.0 {
				first = e.Data["full_valid_loss"].(float64)
			}
		}
		if j.Status != Succeeded || len(p.list) != 3 {
			t.Fatalf("%s %+v, %d published", j.Status, j.Error, len(p.list))
		}
		return j, first, p.list
	}
	q := spec()
	q.ValidationFile = "valid"
	j, first, list := run(q)
	r := list[2]
	if r.Name != j.Model || r.Metrics.FullValidLoss == nil || r.Metrics.NeutralBits == nil || *r.Metrics.FullValidLoss != min(*list[0].Metrics.FullValidLoss, *list[1].Metrics.FullValidLoss) {
		t.Errorf("%+v", r.Metrics)
	}
	for _, digest := range []string{r.Dataset, r.ValidDataset, r.Template, r.Config, r.BaseDigest} {
		if !strings.HasPrefix(digest, "sha256:") || !strings.Contains(r.Card, digest) {
			t.Errorf("digest %q, card:\n%s", digest, r.Card)
		}
	}
	for _, want := range []string{
		"base_model: \"tiny\"\n", "# " + j.Model + "\n", j.ID, "| learning_rate | 0.01 | as asked for |", "seed 5",
		"| validation loss | " + fmt.Sprintf("%.4f", first) + " | " + numberText(r.Metrics.FullValidLoss) + " |",
		"| bits per byte of neutral text | " + numberText(&j.Plan.NeutralBits) + " | " + numberText(r.Metrics.NeutralBits) + " |",
	} {
		if !strings.Contains(r.Card, want) {
			t.Errorf("no %q in the card:\n%s", want, r.Card)
		}
	}
	if _, _, again := run(q); again[2].Config != r.Config || again[2].Dataset != r.Dataset {
		t.Error("the same training has other digests")
	}
	q.Settings.WeightDecay = pointer(0.1)
	if _, _, other := run(q); other[2].Config == r.Config {
		t.Error("another weight decay has the same digest of the configuration")
	}
}
