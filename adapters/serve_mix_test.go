package adapters_test

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"graft/adapters"
	"graft/internal/kernel"
	"graft/internal/kernel/kerneltest"
	"graft/internal/model"
	"graft/internal/reftest"
)

// servedGolden is what reference/adapters_served.py writes: logits of the last
// positions.
func servedGolden(t *testing.T) (*reftest.Golden, []int32) {
	golden := reftest.Load(t, filepath.Join("testdata", "served.golden.safetensors"))
	return golden, golden.IDs(t, "ids")
}

// last are the logits of the positions that the golden has.
func last(logits []float32, ids []int32) []float32 { return logits[(len(ids)-4)*len(logits)/len(ids):] }

// exactly compiles without rounding.
func exactly(t testing.TB, m *model.Model, name string) *model.Adapter {
	t.Helper()
	b, err := adapters.NewBase(m).Fit(readPEFT(t, name))
	if err != nil {
		t.Fatal(err)
	}
	a, err := b.CompileWhole()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestServedRounded: A and B of float32 are kept with eleven bits, each number by
// itself, and computed with as PEFT does.
func TestServedRounded(t *testing.T) {
	golden, ids := servedGolden(t)
	kerneltest.EachImpl(t, func(t *testing.T) {
		n := 0
		for _, name := range variants {
			if !golden.Has(name + ".rounded") {
				continue
			}
			n++
			a := readPEFT(t, name)
			m := tiny(t, baseOf(a), "")
			golden.Compare(t, name+".rounded", last(served(t, m, [][]int32{ids}, with(compile(t, m, a)))[0], ids), 2e-5)
		}
		if n != 8 {
			t.Errorf("%d variants", n)
		}
	})
}

// TestServedMix compares several adapters at once with the sum of what PEFT's layers
// add to the base, and with its active adapters where it can have several.
func TestServedMix(t *testing.T) {
	golden, ids := servedGolden(t)
	kerneltest.EachImpl(t, func(t *testing.T) {
		for _, name := range []string{
			"llama.lora 0.7, other -0.5", "llama.lora 1, other 1, embed 1", "llama.rslora 0.25", "llama.lora 0, rslora 1.5",
			"llama.lora 0.5, saved 0.75, bias-all 2", "llama.bias-all -1, embed 2, saved -0.5",
			"qwen2.dora 0.6, bias-lora -1", "qwen2.bias-lora 1, dora 1, dora 0.5", "phi3.fused 0.5, fused-dora 1.5", "gemma3.ends 0.5",
		} {
			base, uses, _ := strings.Cut(name, ".")
			m := tiny(t, base, "")
			var set []model.Weighted
			for _, use := range strings.Split(uses, ", ") {
				adapter, weight, _ := strings.Cut(use, " ")
				w, err := strconv.ParseFloat(weight, 32)
				if err != nil {
					t.Fatal(err)
				}
				set = append(set, model.Weighted{Adapter: exactly(t, m, adapter), Weight: float32(w)})
			}
			worst := golden.Compare(t, name+".mix", last(served(t, m, [][]int32{ids}, set)[0], ids), 3e-5)
			t.Logf("%s: within %.2g", name, worst)
		}
	})
}

// quantise replaces the weights of m whose rows are whole blocks by Q4_1.
func quantise(t *testing.T, m *model.Model) {
	f, _ := kernel.FormatOf(kernel.Q4_1)
	done := map[*kernel.Matrix]*kernel.Matrix{}
	for _, l := range m.Linears {
		if l.W.Cols%f.BlockLen != 0 {
			continue
		}
		if done[l.W] == nil { // tied ones share theirs
			row, data := make([]float32, l.W.Cols), make([]byte, l.W.Rows*kernel.Q4_1.RowBytes(l.W.Cols))
			for i := range l.W.Rows {
				l.W.Row(row, i)
				f.Quantize(data[i*len(data)/l.W.Rows:(i+1)*len(data)/l.W.Rows], row)
			}
			w, err := kernel.NewMatrix(kernel.Source{Type: kernel.Q4_1, Rows: l.W.Rows, Cols: l.W.Cols, Data: data})
			if err != nil {
				t.Fatal(err)
			}
			done[l.W] = w
		}
		l.W = done[l.W]
	}
}

// TestServedQuantised compares adapters of a quantised base with PEFT on the
// dequantised weights: first with these as float32. Products with the quantised ones
// take activations in 16 bits, each within 2^-15 of the largest; of the model's two
// layers of seven and its head the errors may add up.
func TestServedQuantised(t *testing.T) {
	golden, ids := servedGolden(t)
	kerneltest.EachImpl(t, func(t *testing.T) {
		for _, name := range []string{"lora", "rslora", "embed", "saved"} {
			m := tiny(t, "llama", "")
			a := exactly(t, m, name)
			quantise(t, m)
			r := newRun(t, m, 3)
			r.add(0, ids, with(a))
			want := golden.Tensor(t, name+".q4_1").Data
			largest := distance(want, make([]float32, len(want)))
			worst := golden.Compare(t, name+".q4_1", last(r.pass(), ids), 15*0x1p-15*largest)
			r.add(1, ids, nil)
			apart := distance(last(r.pass(), ids), want)
			dequantise(t, m)
			r.add(2, ids, with(a))
			t.Logf("%s: within %.2g, of logits to %.2g; dequantised within %.2g; the base is apart by %.2g", name, worst, largest,
				golden.Compare(t, name+".q4_1", last(r.pass(), ids), 2e-5), apart)
		}
	})
}

// dequantise replaces the weights of m by float32.
func dequantise(t *testing.T, m *model.Model) {
	for _, l := range m.Linears {
		w := make([]float32, l.W.Rows*l.W.Cols)
		for i := range l.W.Rows {
			l.W.Row(w[i*l.W.Cols:(i+1)*l.W.Cols], i)
		}
		data := make([]byte, 4*len(w))
		kernel.EncodeF32(data, w)
		f, err := kernel.NewMatrix(kernel.Source{Type: kernel.F32, Rows: l.W.Rows, Cols: l.W.Cols, Data: data})
		if err != nil {
			t.Fatal(err)
		}
		l.W = f
	}
}

// run computes passes one after the other with the same cache, and returns the
// logits of all rows in order.
type run struct {
	m    *model.Model
	ops  *model.ServeOps
	b    model.Batch
	past []int
}

func newRun(t testing.TB, m *model.Model, seqs int) *run {
	t.Helper()
	cache, err := model.NewCache(m.CacheSpec(kernel.F32, 16, 4*seqs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	pool := kernel.NewPool(2)
	t.Cleanup(pool.Close)
	ops := model.NewServeOps(pool, cache)
	ops.Exact = true
	return &run{m: m, ops: ops, past: make([]int, seqs)}
}

// add has the next pass go on with a sequence; all its rows' logits are wanted.
func (r *run) add(seq int, ids []int32, set []model.Weighted) {
	s := model.Segment{Row: len(r.b.IDs), Len: len(ids), Past: r.past[seq], Limit: 64, Adapters: set}
	for k := range int32(4) {
		s.Blocks = append(s.Blocks, int32(4*seq)+k)
	}
	r.past[seq] += len(ids)
	for i := range ids {
		r.b.Logits = append(r.b.Logits, int32(s.Row+i))
	}
	r.b.Segs, r.b.IDs = append(r.b.Segs, s), append(r.b.IDs, ids...)
}

func (r *run) pass() []float32 {
	y := slices.Clone(r.m.Forward(r.ops, &r.b).Data)
	r.b = model.Batch{}
	return y
}

// TestServedChunks: a prompt in chunks and token by token, among others with other
// adapters, gets the bits of the prompt in one pass, alone.
func TestServedChunks(t *testing.T) {
	ids := []int32{5, 9, 17, 33, 65, 2, 4, 8, 16, 32, 64, 3, 7, 11, 13, 19, 23, 29, 31, 37, 41, 43, 47}
	kerneltest.EachImpl(t, func(t *testing.T) {
		for base, names := range map[string][]string{"llama": {"lora", "embed", "saved", "bias-all"}, "qwen2": {"dora", "bias-lora"}, "phi3": {"fused", "fused-dora"}} {
			m := tiny(t, base, "")
			quantise(t, m)
			var sets [][]model.Weighted
			var mix []model.Weighted
			for i, name := range names {
				a := exactly(t, m, name)
				sets, mix = append(sets, with(a)), append(mix, model.Weighted{Adapter: a, Weight: 0.5 - float32(i)})
			}
			sets = append(sets, mix, nil)
			want := make([][]float32, len(sets))
			for i, set := range sets {
				r := newRun(t, m, 1)
				r.add(0, ids, set)
				want[i] = r.pass()
			}
			for _, sizes := range [][]int{{7, 16}, {1, 1, 1, 20}, {22, 1}} {
				r, have, from := newRun(t, m, len(sets)), make([][]float32, len(sets)), 0
				for _, n := range sizes {
					for i, set := range sets {
						r.add(i, ids[from:from+n], set)
					}
					from += n
					all := r.pass()
					for i := range sets {
						have[i] = append(have[i], all[i*len(all)/len(sets):(i+1)*len(all)/len(sets)]...)
					}
				}
				for i := range sets {
					if !slices.Equal(have[i], want[i]) {
						t.Errorf("%s, chunks %v: set %d gets other numbers than in one pass, alone", base, sizes, i)
					}
				}
			}
		}
	})
}

// TestServedNothing: an update of zeros and a weight of zero leave the base's bits,
// whatever else the pass computes.
func TestServedNothing(t *testing.T) {
	ids := []int32{5, 9, 17, 33, 65, 2}
	kerneltest.EachImpl(t, func(t *testing.T) {
		m := tiny(t, "llama", "")
		quantise(t, m)
		base := served(t, m, [][]int32{ids})[0]
		zero := readPEFT(t, "lora")
		for _, x := range zero.Modules {
			clear(x.B.Data)
		}
		zero.Seal()
		off := with(exactly(t, m, "saved"), exactly(t, m, "bias-all"), exactly(t, m, "embed"))
		for i := range off {
			off[i].Weight = 0
		}
		other := with(exactly(t, m, "other"))
		all := served(t, m, [][]int32{ids, ids, ids, ids, ids}, other, with(compile(t, m, zero)), other, off, nil)
		for i, name := range map[int]string{1: "B = 0", 3: "weight 0", 4: "no adapter"} {
			if !slices.Equal(all[i], base) {
				t.Errorf("%s: not the base's numbers", name)
			}
		}
		if slices.Equal(all[0], base) || !slices.Equal(all[0], all[2]) {
			t.Error("the adapter beside them does nothing, or not always the same")
		}
	})
}

// TestServedAllocates: steps with adapters allocate nothing.
func TestServedAllocates(t *testing.T) {
	kerneltest.EachImpl(t, func(t *testing.T) {
		for base, names := range map[string][]string{"llama": {"lora", "embed", "saved", "bias-all", "rslora"}, "qwen2": {"dora", "bias-lora"}} {
			m := tiny(t, base, "")
			r := newRun(t, m, len(names)+1)
			var mix []model.Weighted
			for i, name := range names {
				set := with(exactly(t, m, name))
				mix = append(mix, set...)
				r.add(i, []int32{1, 2, 3}, set)
			}
			r.add(len(names), []int32{3}, mix)
			step := func() { m.Forward(r.ops, &r.b) }
			step()
			step()
			if n := testing.AllocsPerRun(5, step); n != 0 {
				t.Errorf("%s: %v allocations a step", base, n)
			}
		}
	})
}

// TestServedRefused: encoders take no adapters.
func TestServedRefused(t *testing.T) {
	if _, err := tiny(t, "bert", "").NewAdapter("sha256:0", nil); err == nil || !strings.Contains(err.Error(), "embeddings only") {
		t.Errorf("an adapter of an encoder: %v", err)
	}
}

// TestServedSelected: the head computes some rows of the pass, and each gets the
// adapters of its own sequence.
func TestServedSelected(t *testing.T) {
	kerneltest.EachImpl(t, func(t *testing.T) {
		for base, names := range map[string][]string{"llama": {"saved", "bias-all", "lora"}, "gemma3": {"ends"}} {
			m := tiny(t, base, "")
			sets := [][]model.Weighted{nil}
			for _, name := range names {
				sets = append(sets, with(exactly(t, m, name)), nil)
			}
			pass := func(keep func(row int) bool) (rows []int32, logits []float32) {
				r := newRun(t, m, len(sets))
				for i, set := range sets {
					r.add(i, []int32{7, 5, 3, 9}[:2+i%3], set)
				}
				r.b.Logits = slices.DeleteFunc(r.b.Logits, func(row int32) bool { return !keep(int(row)) })
				rows = r.b.Logits
				return rows, r.pass()
			}
			_, all := pass(func(int) bool { return true })
			v := m.Config.Vocab
			for _, keep := range []func(int) bool{func(row int) bool { return row%3 == 1 }, func(row int) bool { return row > 3 }, func(row int) bool { return row == 4 }} {
				rows, some := pass(keep)
				for i, row := range rows {
					if !slices.Equal(some[i*v:(i+1)*v], all[int(row)*v:(int(row)+1)*v]) {
						t.Errorf("%s: row %d of %v gets other logits than among all rows", base, row, rows)
					}
				}
			}
			if _, none := pass(func(int) bool { return false }); len(none) != 0 {
				t.Errorf("%s: %d logits of no rows", base, len(none))
			}
		}
	})
}
