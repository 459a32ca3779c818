package training

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"graft/internal/kernel"
	"graft/internal/weights"
)

// A checkpoint is a safetensors file: each parameter under its name, its moments
// under "m." and "v." before it, the best parameters under "best."; where the training
// stands as JSON in the metadata. A training resumed from it ends with the same bits
// as one that was never interrupted.
const (
	metaState = "graft.training.state"
	metaSetup = "graft.training.setup"
)

// setup is what a training must have in common with a checkpoint of it: digests.
type setup struct {
	Base    string `json:"base"`
	Data    string `json:"data"`
	Options string `json:"options"`
	Adapter string `json:"adapter"`
}

// Checkpoint writes where the training stands, replacing path only when all of it is
// on disk.
func (t *Trainer) Checkpoint(path string) error {
	var list []weights.Tensor
	for i, p := range t.adapter.Params() {
		add := func(prefix string, data []float32) {
			list = append(list, weights.NewF32(prefix+p.Name, data, p.Shape()...))
		}
		add("", p.Data)
		add("m.", p.M)
		add("v.", p.V)
		if t.best != nil {
			add("best.", t.best[i])
		}
	}
	at, err := json.Marshal(t.state)
	if err != nil {
		return err
	}
	of, err := json.Marshal(t.setup())
	if err != nil {
		return err
	}
	return weights.SaveSafetensors(path, list, map[string]string{"format": "pt", metaState: string(at), metaSetup: string(of)})
}

// Resume goes back to a checkpoint. One of another base, of other data, options or
// modules is refused, and nothing is changed.
func (t *Trainer) Resume(path string) error {
	f, err := weights.OpenSafetensors(path)
	if err != nil {
		return err
	}
	defer f.Close()
	bad := func(format string, args ...any) error {
		return fmt.Errorf("checkpoint %s: %w", path, fmt.Errorf(format, args...))
	}
	var have setup
	if err := json.Unmarshal([]byte(f.Metadata[metaSetup]), &have); err != nil {
		return bad("its metadata does not say what was trained: %w", err)
	}
	want := t.setup()
	for _, part := range []struct{ what, have, want string }{
		{"base model", have.Base, want.Base}, {"data", have.Data, want.Data},
		{"options", have.Options, want.Options}, {"adapted modules", have.Adapter, want.Adapter},
	} {
		if part.have != part.want {
			return bad("is of a training with another %s (%.12s, not %.12s)", part.what, part.have, part.want)
		}
	}
	var st state
	if err := json.Unmarshal([]byte(f.Metadata[metaState]), &st); err != nil {
		return bad("its metadata does not say where the training stood: %w", err)
	}
	if !st.sound(t.total) {
		return bad("stands where no training of %d steps does: %+v", t.total, st)
	}
	params := t.adapter.Params()
	_, hasBest := f.Tensor("best." + params[0].Name)
	read := make([][4][]float32, len(params))
	for i, p := range params {
		for k, prefix := range []string{"", "m.", "v.", "best."} {
			if k == 3 && !hasBest {
				continue
			}
			x, ok := f.Tensor(prefix + p.Name)
			if !ok {
				return bad("tensor %s is not there", prefix+p.Name)
			}
			if err := x.Check(p.Shape()...); err != nil {
				return bad("%w", err)
			}
			if x.Type != kernel.F32 {
				return bad("tensor %s is stored as %s, want F32", x.Name, x.DType)
			}
			read[i][k] = make([]float32, len(p.Data))
			kernel.DecodeF32(read[i][k], x.Data)
		}
	}
	t.state, t.best = st, nil
	for i, p := range params {
		p.Data, p.M, p.V = read[i][0], read[i][1], read[i][2]
		if hasBest {
			t.best = append(t.best, read[i][3])
		}
	}
	return nil
}

// sound tells whether a training of so many steps can stand there.
func (s *state) sound(total int) bool {
	within := func(v, most int) bool { return v >= 0 && v <= most }
	return within(s.Step, total) && within(s.Updates, s.Step) && within(s.Skips, min(s.Step, maxSkips)) && s.Targets >= 0 &&
		within(s.Validated, s.Step+1) && within(s.BestStep, s.Step) && within(s.Worse, s.Step+1)
}

// setup takes the digests.
func (t *Trainer) setup() setup {
	h := sha256.New()
	number := func(n uint64) { h.Write(binary.LittleEndian.AppendUint64(nil, n)) }
	sum := func() string {
		s := hex.EncodeToString(h.Sum(nil))
		h.Reset()
		return s
	}
	for _, set := range [][]Example{t.train, t.valid} {
		number(uint64(len(set)))
		for _, e := range set {
			number(uint64(len(e.IDs)))
			for i, id := range e.IDs {
				number(uint64(uint32(id))<<32 | uint64(math.Float32bits(e.Weights[i])))
			}
		}
	}
	s := setup{Base: t.opts.Base, Data: sum()}

	o := t.opts
	o.Base, o.KeepBytes, o.Memory, o.Between = "", 0, nil, nil // these change nothing
	fmt.Fprintf(h, "%+v %v", o, t.beta)
	s.Options = sum()

	number(uint64(math.Float32bits(t.adapter.Dropout)))
	for _, m := range t.adapter.Modules {
		fmt.Fprintf(h, "%+v %d\n", m.ModuleSpec, m.key)
	}
	s.Adapter = sum()
	return s
}
