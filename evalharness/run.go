package evalharness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"graft/evalharness/metrics"
	"graft/serving"
	"graft/training/dataset"
)

// Options are what a run needs beside its task.
type Options struct {
	Task *Task
	Dir  string // of all evaluations: <data folder>/evals
	Base *Endpoint
	// Embedder answers for Task.Retrieval.Embedder; nil: there is none, and arms that need
	// it are left out with a note.
	Embedder   *Endpoint
	Remotes    map[string]*Endpoint
	Judges     map[string]*Endpoint // by the names of the metrics that ask them
	Generation string               // of the adapter
	// TrainedOn are files that the adapter was trained on, as the server keeps them: no
	// case of the gold set may be in them either.
	TrainedOn []TrainedFile
	Training  *Training
	Lint      []LintFinding
	// Forgetting measures what the adapter unlearnt; nil: it is not measured. What is asked
	// through keep is in the journal, and not asked again.
	Forgetting func(ctx context.Context, keep func(serving.Backend) serving.Backend, progress func(done, total int)) (*Forgetting, error)
	Advise     bool // the ladder alone, before any training
	Version    string
	Progress   func(stage string, done, total int)

	pause func(context.Context, time.Duration) error // replaced by tests
}

// TrainedFile is a file that an adapter was trained on.
type TrainedFile struct {
	Name string
	Rows []dataset.Row
}

// run is an evaluation in progress.
type run struct {
	Options
	task       *Task
	base       *Endpoint
	remotes    map[string]*Endpoint
	adapter    string
	generation string
	dir        string // of this run

	gold     *Gold
	rows     []dataset.Row // all of train
	trained  int           // rows the adapter could learn from
	dev      []Case
	crossfit bool // there are no rows but gold
	pool     *pool
	labels   []string
	variants []Prompt
	metrics  []*metrics.Metric
	specs    []MetricSpec    // what metrics were made of
	chooser  *metrics.Metric // of the base's prompt, on dev
	// opponent are the answers of the arm that preferences compare all others with.
	opponent     []Answer
	opponentName string
	stored       bool // values are those of a result, not computed anew
	judging      sync.Mutex
	judged       Usage // what judges cost
	embedder     *embedder
	asker        *asker
	notes        []string
	hash         string
	started      time.Time
}

// Run evaluates a task. It may be interrupted at any point: the same task, data and
// models go on where it was.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := newRun(o)
	if r.adapter == "" && !o.Advise {
		return nil, errors.New("adapter: there is none to compare: name one, or ask graft advise for the ladder of the base")
	}
	end, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := r.register(); err != nil {
		return nil, err
	}
	s, err := r.frozen(ctx)
	if err != nil {
		return nil, err
	}
	plans := r.plans(s)
	total := len(plans) * len(r.gold.Cases)
	r.report("asking the gold set", 0, total)
	answers, err := r.answerAll(ctx, plans, r.gold.Cases, func(n int) { r.report("asking the gold set", n, total) })
	if err != nil {
		return nil, err
	}
	if err := r.measure(ctx, plans, answers); err != nil {
		return nil, err
	}
	res := r.result(s, plans, answers)
	if o.Forgetting != nil && r.adapter != "" {
		if res.Forgetting, err = r.forgotten(ctx); err != nil {
			return nil, fmt.Errorf("forgetting: %w", err)
		}
	}
	r.conclude(res, s)
	return res, r.save(res)
}

func newRun(o Options) *run {
	r := &run{Options: o, task: o.Task, base: o.Base, remotes: o.Remotes, generation: o.Generation, adapter: o.Task.Adapter}
	if o.Advise {
		r.adapter, r.generation = "", ""
	}
	return r
}

// open reads what a run needs; end lets go of it.
func (r *run) open(ctx context.Context) (end func(), err error) {
	if err := r.read(); err != nil {
		return nil, err
	}
	j, err := OpenJournal(filepath.Join(r.Dir, r.task.Name, "journal.jsonl"))
	if err != nil {
		return nil, err
	}
	if r.asker = newAsker(j); r.pause != nil {
		r.asker.pause = r.pause
	}
	if err := r.index(ctx); err != nil {
		j.Close()
		return nil, err
	}
	return func() { j.Close() }, nil
}

func (r *run) report(stage string, done, total int) {
	if r.Progress != nil {
		r.Progress(stage, done, total)
	}
}

// index makes the vectors of the pool.
func (r *run) index(ctx context.Context) error {
	if r.pool == nil || !r.task.embeds() {
		return nil
	}
	if r.Embedder == nil {
		r.notes = append(r.notes, fmt.Sprintf("no model of embeddings (%s) was there: nearest examples and retrieval were left out", r.task.Retrieval.Embedder))
		return nil
	}
	r.embedder = newEmbedder(r.Embedder.Backend, r.task.Retrieval.Embedder)
	r.report("embedding the pool", 0, len(r.pool.examples))
	return r.pool.index(ctx, r.embedder)
}

// measure has the answers seen by the models that metrics ask.
func (r *run) measure(ctx context.Context, plans []plan, answers [][]Answer) error {
	i := opponentOf(plans)
	r.opponent, r.opponentName = answers[i], plans[i].name
	total := len(plans) * len(r.metrics)
	for k, list := range answers {
		for n, m := range r.metrics {
			r.report("scoring the answers", k*len(r.metrics)+n, total)
			if err := prepare(ctx, m, r.scored(r.gold.Cases, list, r.opponent)); err != nil {
				return err
			}
		}
	}
	r.report("scoring the answers", total, total)
	return nil
}

// opponentOf is the arm that preferences compare all others with: the base's best prompt,
// which the adapter has to beat, or else the plain base.
func opponentOf(plans []plan) int {
	for _, kind := range []string{KindBestPrompt, KindZeroShot} {
		if i := slices.IndexFunc(plans, func(p plan) bool { return p.kind == kind }); i >= 0 {
			return i
		}
	}
	return 0
}
