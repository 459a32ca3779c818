package forgetting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"graft/evalharness"
	"graft/evalharness/stats"
	"graft/serving"
)

// Options of Run. Zero fields stand for the defaults.
type Options struct {
	Margin float64 // share of the items that may be lost; .05
	Drift  float64 // bits per byte that the neutral text may cost more; .1
	Items  []Item  // nil: those of the suite
	// Earlier are the checkpoints of the adapter's training, the latest first. When the
	// adapter fails, they are measured until one passes.
	Earlier  []*Model
	Progress func(done, total int)
}

// Run compares an adapter with its base. The adapter is not inferior when the lower end
// of the one-sided 95 % interval of the difference (Tango's of 90 % on both sides) is
// above -Margin, and the neutral text costs at most Drift bits per byte more. What
// instructions are followed is told, and decides nothing: they are too few.
func Run(ctx context.Context, base, adapter *Model, o Options) (*evalharness.Forgetting, error) {
	o.Margin, o.Drift = cmp.Or(o.Margin, .05), cmp.Or(o.Drift, .1)
	if o.Items == nil {
		o.Items = Items()
	}
	r := &run{base: base, adapter: adapter, Options: o, total: len(o.Items) + len(instructions) + 2}
	f := &evalharness.Forgetting{Suite: Suite, Items: len(o.Items), Margin: o.Margin}
	if err := r.score(ctx, f); err != nil {
		return nil, err
	}
	if err := r.generate(ctx, f); err != nil {
		return nil, err
	}
	var err error
	if f.BaseBPB, err = base.BitsPerByte(ctx); err != nil {
		return nil, err
	}
	r.step()
	if f.AdaptBPB, err = adapter.BitsPerByte(ctx); err != nil {
		return nil, err
	}
	r.step()
	r.judge(f)
	if !f.Passed && !within(f, r.Drift) {
		f.Advice, err = r.advise(ctx, f)
	}
	return f, err
}

// advise looks for the checkpoint that would have passed.
func (r *run) advise(ctx context.Context, f *evalharness.Forgetting) (string, error) {
	const general = "train with a lower learning rate or fewer epochs"
	r.total += len(r.Earlier) * (len(r.Items) + 1)
	for _, m := range r.Earlier {
		e := &run{base: r.base, adapter: m, Options: r.Options, done: r.done, total: r.total, known: r.known}
		of := &evalharness.Forgetting{Items: f.Items, Margin: f.Margin, BaseBPB: f.BaseBPB}
		if err := e.score(ctx, of); err != nil {
			return "", fmt.Errorf("checkpoint %s: %w", m.Name, err)
		}
		var err error
		if of.AdaptBPB, err = m.BitsPerByte(ctx); err != nil {
			return "", fmt.Errorf("checkpoint %s: %w", m.Name, err)
		}
		e.step()
		r.done = e.done
		if e.judge(of); of.Passed {
			return fmt.Sprintf("%s; the checkpoint %s passes: %.1f points and %+.3f bits per byte from the base", general, m.Name, 100*of.Diff, of.AdaptBPB-of.BaseBPB), nil
		}
	}
	switch len(r.Earlier) {
	case 0:
		return general, nil
	case 1:
		return general + "; the one earlier checkpoint does not pass either", nil
	}
	return fmt.Sprintf("%s; none of the %d earlier checkpoints passes", general, len(r.Earlier)), nil
}

// within tells whether what was measured is allowed, be it certain or not.
func within(f *evalharness.Forgetting, drift float64) bool {
	return f.Diff > -f.Margin && f.AdaptBPB-f.BaseBPB <= drift
}

type run struct {
	Options
	base, adapter *Model
	done, total   int

	known     []bool // which items the base has right, once it was asked
	lost, won int    // items that only the base, and only the adapter, has right
}

func (r *run) step() {
	if r.done++; r.Progress != nil {
		r.Progress(r.done, r.total)
	}
}

// part finds the counts of a part, as sums until they are made shares.
func part(list *[]evalharness.ForgettingByPart, name string) *evalharness.ForgettingByPart {
	i := slices.IndexFunc(*list, func(p evalharness.ForgettingByPart) bool { return p.Name == name })
	if i < 0 {
		i = len(*list)
		*list = append(*list, evalharness.ForgettingByPart{Name: name})
	}
	return &(*list)[i]
}

func count(p *evalharness.ForgettingByPart, base, adapter bool) {
	p.Items++
	if base {
		p.Base++
	}
	if adapter {
		p.Adapter++
	}
}

func share(p *evalharness.ForgettingByPart) {
	p.Base, p.Adapter = p.Base/float64(p.Items), p.Adapter/float64(p.Items)
}

// score asks both models about all items.
func (r *run) score(ctx context.Context, f *evalharness.Forgetting) error {
	var all evalharness.ForgettingByPart
	for i := range r.Items {
		it := &r.Items[i]
		if i == len(r.known) {
			a, err := r.base.Score(ctx, it)
			if err != nil {
				return err
			}
			r.known = append(r.known, a.Acc)
		}
		a := r.known[i]
		b, err := r.adapter.Score(ctx, it)
		if err != nil {
			return err
		}
		count(part(&f.Subjects, it.Subject), a, b.Acc)
		count(&all, a, b.Acc)
		switch {
		case a && !b.Acc:
			r.lost++
		case b.Acc && !a:
			r.won++
		}
		r.step()
	}
	if all.Items == 0 {
		return errors.New("there are no items")
	}
	for i := range f.Subjects {
		share(&f.Subjects[i])
	}
	share(&all)
	f.Base, f.Adapter, f.Diff = all.Base, all.Adapter, all.Adapter-all.Base
	return nil
}

// generate has both models follow instructions; models without a chat template have
// none.
func (r *run) generate(ctx context.Context, f *evalharness.Forgetting) error {
	p := &evalharness.ForgettingByPart{Name: "instructions"}
	for i := range instructions {
		a, err := r.base.follows(ctx, &instructions[i])
		if errors.Is(err, serving.ErrNoChatTemplate) {
			r.done += len(instructions)
			return nil
		}
		if err != nil {
			return err
		}
		b, err := r.adapter.follows(ctx, &instructions[i])
		if err != nil {
			return err
		}
		count(p, a, b)
		r.step()
	}
	share(p)
	f.Generated = p
	return nil
}

// judge tells whether the adapter is not inferior.
func (r *run) judge(f *evalharness.Forgetting) {
	f.Low95, _ = stats.Tango(r.won, r.lost, f.Items, .90)
	_, psi := stats.Wilson(r.won+r.lost, f.Items, .60) // few items tell little of how often the models differ
	f.Needed = needed(psi, f.Margin)
	f.Passed = f.Low95 > -f.Margin && f.AdaptBPB-f.BaseBPB <= r.Drift
	if !f.Passed && within(f, r.Drift) {
		f.Advice = fmt.Sprintf("the loss of %.1f points is within the %.1f allowed, but %d items cannot certify it: %d could", -100*f.Diff, 100*f.Margin, f.Items, f.Needed)
	}
}

// needed is how many items certify a margin when nothing is lost and the models differ
// on a share psi of them: (z.95 + z.80)² psi/margin².
func needed(psi, margin float64) int {
	const z = 1.6448536269514722 + 0.8416212335729143
	return int(z*z*psi/(margin*margin)) + 1
}
