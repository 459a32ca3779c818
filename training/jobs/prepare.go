package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"graft/internal/kernel"
	"graft/training"
	"graft/training/dataset"
)

// Names in the folder of a job.
const (
	trainName = "training.jsonl"
	validName = "validation.jsonl"
	stateName = "state.safetensors"
)

// prepared is a job that is ready to be trained.
type prepared struct {
	base     *Base
	settings *settings
	plan     Plan
	train    rows
	valid    rows
	digest   string // of the training file
	checked  string // digest of the validation file; "": none
	plain    plainText
}

// rows are the examples of a file.
type rows struct {
	examples []training.Example
	pairs    []training.Pair
	set      *dataset.Set // that they were read from
}

func (r *rows) count() int { return len(r.examples) + len(r.pairs) }

// each calls f for all examples, those of pairs included.
func (r *rows) each(f func(e *training.Example)) {
	for i := range r.examples {
		f(&r.examples[i])
	}
	for i := range r.pairs {
		f(&r.pairs[i].Chosen)
		f(&r.pairs[i].Rejected)
	}
}

// failure is what is wrong with a job, as its client is told.
type failure struct {
	told  Error
	cause error
	set   *dataset.Set // what could be read of a file that is wrong; nil: it is not that
}

func (f *failure) Error() string { return f.cause.Error() }
func (f *failure) Unwrap() error { return f.cause }

// prepare reads the files of a job, and chooses what it leaves open. The base has to be
// released.
func (s *Service) prepare(ctx context.Context, j *Job) (p *prepared, err error) {
	base, err := s.o.Bases.Base(ctx, j.Spec.Model)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			base.Release()
		}
	}()
	p = &prepared{base: base, plain: newPlainText(base)}
	format := dataset.NewFormat(base.Tokenizer, dataset.FormatOptions{Now: j.Created})
	longest := or(j.Spec.Settings.MaxLength, min(base.Model.Config.Context, 4096))
	read := func(param, name, id string, least int) (rows, string, error) {
		return s.load(ctx, filepath.Join(s.dir(j.ID), name), param, dataset.Options{
			File: id, Format: format, Pairs: j.Spec.Method == DPO, MaxTokens: min(longest, base.Model.Config.Context), MinRows: least,
		})
	}
	if p.train, p.digest, err = read("training_file", trainName, j.Spec.TrainingFile, 0); err != nil {
		return nil, err
	}
	why := "as asked for"
	if j.Spec.ValidationFile != "" {
		if p.valid, p.checked, err = read("validation_file", validName, j.Spec.ValidationFile, -1); err != nil {
			return nil, err
		}
	} else if why, err = p.hold(ctx, &j.Spec); err != nil {
		return nil, err
	}
	d := data{examples: p.train.count(), valid: p.valid.count() > 0}
	tokens, longestHere := 0, 0
	p.train.each(func(e *training.Example) {
		tokens += len(e.IDs)
		longestHere = max(longestHere, len(e.IDs))
		for _, w := range e.Weights {
			if w > 0 {
				d.targets++
			}
		}
	})
	if p.settings, err = resolve(&j.Spec, base.Model, d); err != nil {
		return nil, err
	}
	p.settings.options.Base = base.Digest
	p.plan = p.settings.plan
	p.plan.Choices = append(p.plan.Choices, Choice{"validation", p.valid.count(), why})
	p.plan.Examples, p.plan.ValidExamples, p.plan.Tokens, p.plan.Targets, p.plan.Longest = p.train.count(), p.valid.count(), tokens, d.targets, longestHere
	return p, nil
}

// load reads one file. What is wrong with it is a *failure.
func (s *Service) load(ctx context.Context, path, param string, o dataset.Options) (r rows, digest string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return r, "", err
	}
	defer f.Close()
	set, err := dataset.Load(ctx, f, o)
	if err == nil {
		err = set.Err()
	}
	var invalid *dataset.InvalidError
	if errors.As(err, &invalid) {
		return r, "", invalidFile(param, err, set)
	}
	if err != nil {
		return r, "", err
	}
	r.examples, r.set = set.Examples, set
	for _, p := range set.Pairs {
		r.pairs = append(r.pairs, training.Pair{Chosen: p.Chosen, Rejected: p.Rejected})
	}
	return r, "sha256:" + set.Digest, nil
}

// leastHeld is how many rows there have to be for some to be held out.
const leastHeld = 50

// hold takes rows out of the training for validation, and says why.
func (p *prepared) hold(ctx context.Context, spec *Spec) (string, error) {
	share := or(spec.Settings.ValidShare, 0.1)
	set := p.train.set
	n := len(set.Rows)
	if spec.Settings.ValidShare == nil && n < leastHeld {
		return fmt.Sprintf("no validation file is given, and %d rows are too few to hold some out (from %d on)", n, leastHeld), nil
	}
	if share == 0 {
		return "none are held out, as asked for", nil
	}
	_, rest, err := dataset.SplitContext(ctx, set.Rows, share, uint64(*spec.Seed))
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil && spec.Settings.ValidShare == nil {
		return "no validation file is given, and none can be held out: " + err.Error(), nil
	}
	if err != nil {
		return "", invalidFile("training_file", err, nil)
	}
	out := make([]bool, n)
	for _, i := range rest {
		out[i] = true
	}
	keep := rows{set: set}
	for i, from := range set.Sources {
		to := &keep
		if out[from.Row] {
			to = &p.valid
		}
		if len(p.train.pairs) > 0 {
			to.pairs = append(to.pairs, p.train.pairs[i])
		} else {
			to.examples = append(to.examples, p.train.examples[i])
		}
	}
	p.train = keep
	return fmt.Sprintf("no validation file is given: %d of %d rows are held out, alike in kind, with their near copies", len(rest), n), nil
}

// trainer makes the training, ready for the first step.
func (p *prepared) trainer(pool *kernel.Pool, j *Job, change func(*training.Options)) (*training.Trainer, error) {
	m, s := p.base.Model, p.settings
	paths, err := training.Targets(m, s.targets)
	if err != nil {
		return nil, err
	}
	specs := make([]training.ModuleSpec, len(paths))
	for i, path := range paths {
		specs[i] = training.ModuleSpec{Path: path, Rank: s.rank, Alpha: s.alpha, RSLoRA: s.rslora, DoRA: s.dora}
	}
	a, err := training.NewAdapter(m, specs, float32(s.dropout), uint64(*j.Spec.Seed))
	if err != nil {
		return nil, err
	}
	o := s.options
	if change != nil {
		change(&o)
	}
	if j.Spec.Method == DPO {
		return training.NewPairTrainer(pool, m, a, p.train.pairs, p.valid.pairs, s.hyper.Beta, o)
	}
	return training.NewTrainer(pool, m, a, p.train.examples, p.valid.examples, o)
}

// copyFile puts a client's file into the job's folder: what was checked is what is
// trained, whatever becomes of the file.
func (s *Service) copyFile(ctx context.Context, id, path string) error {
	in, _, err := s.o.Files.Open(ctx, id)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
