package metrics

import "math"

func init() {
	register(Info{Name: "accuracy", Doc: "share of answers that are the right label", Kind: Binary, Margin: .05, Scale: 1, Options: []string{"fold_case"}},
		func(o Options) (*Metric, error) {
			return &Metric{Signature: "accuracy|scikit-learn:1.9.1" + labelSignature(o), Cases: func(cases []Case) []float64 {
				_, ps := pairs(cases, o)
				values := make([]float64, len(ps))
				for i, p := range ps {
					values[i] = indicator(p.gold == p.given && p.gold >= 0)
				}
				return values
			}}, nil
		})
	for name, m := range map[string]struct {
		doc string
		f   func(tally) float64
	}{
		"balanced_accuracy": {"mean over the labels of the share that was found", tally.balanced},
		"f1_micro":          {"F1 of the pooled counts of all labels", tally.micro},
		"f1_macro":          {"mean over the labels of F1", tally.macro},
		"f1_weighted":       {"mean over the labels of F1, weighted by how often each is right", tally.weighted},
		"mcc":               {"Matthews' correlation of the given with the right labels", tally.mcc},
	} {
		least := 0.0
		if name == "mcc" {
			least = -1
		}
		register(Info{Name: name, Doc: m.doc, Kind: CorpusKind, Margin: .05, Least: least, Scale: 1, Options: []string{"fold_case", "raw_labels"}},
			func(o Options) (*Metric, error) {
				return &Metric{
					Signature: name + "|scikit-learn:1.9.1" + labelSignature(o) + "|zero_division:0",
					Corpus:    func(cases []Case) float64 { return m.f(count(cases, o)) },
				}, nil
			})
	}
}

// tally are the counts of labels: tp found, fp wrongly given, fn missed. Answers outside
// the labels are missed ones of what is right, and no label of their own.
type tally struct {
	tp, fp, fn []int        // [labels]
	table      map[pair]int // of all cases, those outside the labels included
	n, correct int
}

func count(cases []Case, o Options) tally {
	labels, ps := pairs(cases, o)
	t := tally{make([]int, len(labels)), make([]int, len(labels)), make([]int, len(labels)), map[pair]int{}, len(ps), 0}
	for _, p := range ps {
		t.table[p]++
		if p.gold == p.given && p.gold >= 0 {
			t.tp[p.gold]++
			t.correct++
			continue
		}
		if p.given >= 0 {
			t.fp[p.given]++
		}
		if p.gold >= 0 {
			t.fn[p.gold]++
		}
	}
	return t
}

func f1(tp, fp, fn int) float64 {
	if 2*tp+fp+fn == 0 {
		return 0
	}
	return 2 * float64(tp) / float64(2*tp+fp+fn)
}

func (t tally) micro() float64 {
	var tp, fp, fn int
	for i := range t.tp {
		tp, fp, fn = tp+t.tp[i], fp+t.fp[i], fn+t.fn[i]
	}
	return f1(tp, fp, fn)
}

func (t tally) macro() float64 {
	values := make([]float64, len(t.tp))
	for i := range values {
		values[i] = f1(t.tp[i], t.fp[i], t.fn[i])
	}
	return mean(values)
}

func (t tally) weighted() float64 {
	var sum float64
	var support int
	for i := range t.tp {
		s := t.tp[i] + t.fn[i]
		sum += float64(s) * f1(t.tp[i], t.fp[i], t.fn[i])
		support += s
	}
	if support == 0 {
		return 0
	}
	return sum / float64(support)
}

// balanced is the mean recall over the labels that are right somewhere.
func (t tally) balanced() float64 {
	var recalls []float64
	for i := range t.tp {
		if s := t.tp[i] + t.fn[i]; s > 0 {
			recalls = append(recalls, float64(t.tp[i])/float64(s))
		}
	}
	return mean(recalls)
}

// mcc is the correlation of the two labellings (Gorodkin's R_K), invalid answers
// being one more label; 0 when one side always says the same.
func (t tally) mcc() float64 {
	gold, given := map[int]float64{}, map[int]float64{}
	for p, n := range t.table {
		gold[p.gold] += float64(n)
		given[p.given] += float64(n)
	}
	n := float64(t.n)
	var both, aa, bb float64 // sums of whole numbers: exact in any order
	for l, g := range gold {
		both += g * given[l]
		aa += g * g
	}
	for _, p := range given {
		bb += p * p
	}
	if n*n == aa || n*n == bb {
		return 0
	}
	return (float64(t.correct)*n - both) / math.Sqrt((n*n-aa)*(n*n-bb))
}
