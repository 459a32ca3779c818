package native

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"graft/internal/model"
	"graft/serving"
)

// fakeRunner is a model whose logits are a hash of all tokens before, which it
// reads through the block tables, as attention does: what a wrong block holds
// gives wrong logits. Adapters change what it stores.
type fakeRunner struct {
	size  int
	slots []int32 // [blocks*size] token whose "keys and values" are there
	vocab int
	eog   int32 // comes up now and then; -1: never

	mu     sync.Mutex
	steps  int
	rows   int // computed in all
	panics int32
	nan    int32
	before func(b *model.Batch) // called before each step
}

func newFakeRunner(blocks, size, vocab int) *fakeRunner {
	f := &fakeRunner{size: size, slots: make([]int32, blocks*size), vocab: vocab, eog: -1, panics: -1, nan: -1}
	for i := range f.slots {
		f.slots[i] = math.MinInt32
	}
	return f
}

// change sets what a pass does while passes may be running.
func (f *fakeRunner) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
}

func (f *fakeRunner) Step(b *model.Batch) ([]float32, error) { return f.pass(b, b.Logits, f.vocab) }

func (f *fakeRunner) pass(b *model.Batch, logits []int32, width int) ([]float32, error) {
	f.mu.Lock()
	f.steps++
	f.rows += len(b.IDs)
	before, panics := f.before, f.panics
	f.mu.Unlock()
	if before != nil {
		before(b)
	}
	out := make([]float32, 0, len(logits)*width)
	next := 0
	for _, s := range b.Segs {
		if s.Row != next || s.Len < 1 || len(s.Blocks)*f.size < s.Past+s.Len {
			return nil, fmt.Errorf("segment %+v at row %d", s, next)
		}
		next += s.Len
		for i := range s.Len {
			p := s.Past + i
			f.slots[int(s.Blocks[p/f.size])*f.size+p%f.size] = b.IDs[s.Row+i] | salt(s.Adapters)
			if b.IDs[s.Row+i] == panics {
				panic("the model met its token")
			}
		}
	}
	if next != len(b.IDs) {
		return nil, fmt.Errorf("segments cover %d of %d rows", next, len(b.IDs))
	}
	for _, r := range logits {
		for _, s := range b.Segs {
			if int(r) >= s.Row && int(r) < s.Row+s.Len {
				var prefix []int32
				for p := range s.Past + int(r) - s.Row + 1 {
					prefix = append(prefix, f.slots[int(s.Blocks[p/f.size])*f.size+p%f.size])
				}
				out = f.logits(out, prefix, width)
			}
		}
	}
	return out, nil
}

// copyBlock makes block dst a copy of block src.
func (f *fakeRunner) copyBlock(dst, src int32) {
	copy(f.slots[int(dst)*f.size:][:f.size], f.slots[int(src)*f.size:][:f.size])
}

// Hidden is a hash of the tokens before each row, as 8 numbers.
func (f *fakeRunner) Hidden(b *model.Batch) (model.Value, error) {
	var all []int32
	for i := range b.IDs {
		all = append(all, int32(i))
	}
	h, err := f.pass(b, all, 8)
	return model.Value{Data: h, Rows: len(b.IDs), Width: 8}, err
}

func (f *fakeRunner) NewPooler() *model.Pooler {
	return (&model.Model{Config: model.Config{Width: 8, Pooling: "mean"}}).NewPooler()
}

// logits appends [V] numbers between -4 and 4.
func (f *fakeRunner) logits(out []float32, prefix []int32, width int) []float32 {
	h := hashIDs(prefix)
	for v := range width {
		x := (h + uint64(v)) * 0x9e3779b97f4a7c15
		x ^= x >> 29
		x *= 0xbf58476d1ce4e5b9
		l := float32(x>>40)/(1<<21) - 4
		if int32(v) == f.eog {
			l -= 1
		}
		if prefix[len(prefix)-1]&0xff == f.nan {
			l = float32(math.NaN())
		}
		out = append(out, l)
	}
	return out
}

// salt is what adapters add to the keys and values of tokens, whose ids are below
// 256: 0 for none, and something else for every other set.
func salt(adapters []model.Weighted) int32 {
	if len(adapters) == 0 {
		return 0
	}
	h := fnv.New32a()
	for _, a := range adapters {
		fmt.Fprintf(h, "%s*%v;", a.Generation, a.Weight)
	}
	return int32(h.Sum32()&0x7fffff|1) << 8
}

// salted is ids as they are stored.
func salted(ids []int32, adapters []model.Weighted) []int32 {
	out := slices.Clone(ids)
	for i := range out {
		out[i] |= salt(adapters)
	}
	return out
}

// letters decodes token id as the id-th letter.
type letters struct{}

func (letters) Push(id int32) string { return string(rune('a' + id%26)) }
func (letters) Flush() string        { return "" }

// rig is an engine over a fakeRunner.
type rig struct {
	t      testing.TB
	run    *fakeRunner
	engine *engine
	blocks *blocks
}

type rigOptions struct {
	blocks, size int
	policy       policy
	noCache      bool
	observer     Observer
	now          func() time.Time
}

func newRig(t testing.TB, o rigOptions) *rig {
	if o.blocks == 0 {
		o.blocks = 64
	}
	if o.size == 0 {
		o.size = 4
	}
	p := policy{rows: 32, mixedRows: 16, logits: 16, running: 8, queue: 64}
	if o.policy != (policy{}) {
		p = o.policy
	}
	run := newFakeRunner(o.blocks, o.size, 40)
	r := &rig{t: t, run: run, blocks: newBlocks(o.blocks, o.size, run.copyBlock)}
	r.blocks.noCache = o.noCache
	if o.now == nil {
		o.now = time.Now
	}
	r.engine = newEngine(r.run, false, p, r.blocks, nil, o.observer, o.now)
	t.Cleanup(r.close)
	return r
}

func (r *rig) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.engine.drain(ctx)
	if err := r.engine.sched.blocks.check(nil); err != nil {
		r.t.Error(err)
	}
	if n := r.engine.sched.blocks.used(); n != 0 {
		r.t.Errorf("%d blocks are still held", n)
	}
}

// ask is what a test wants of the engine.
type ask struct {
	client   string
	prompt   []int32
	max      int // -1: score only
	n        int
	seed     int64
	opt      *serving.Sampling // nil: greedy
	top      int               // log-probabilities with so many alternatives - 1; 0: none
	score    bool
	stops    []string
	ends     []int32
	deadline time.Time
	limit    constraint
	adapters []model.Weighted
	lease    func() // called when the job is closed
	owner    string
	predict  []int32 // what the answer is expected to be
}

// reply is what came of it.
type reply struct {
	Text   []string // of each answer
	Finish []serving.FinishReason
	Tokens [][]serving.TokenLogprob
	Scores []serving.TokenLogprob
	Usage  serving.Usage
}

// keyOf is the key of the sequences that adapters change.
func keyOf(adapters []model.Weighted) string {
	var set adapterSet
	for _, a := range adapters {
		set = append(set, serving.AdapterUse{Generation: a.Generation, Weight: a.Weight})
	}
	return set.key()
}

func newJob(ctx context.Context, a ask) *job {
	if a.n == 0 {
		a.n = 1
	}
	opt := serving.Sampling{TopP: 1, RepetitionPenalty: 1}
	if a.opt != nil {
		opt = *a.opt
	}
	j := &job{ctx: ctx, out: newMailbox(), prompt: a.prompt, promptTop: -1, submitted: time.Now(), lease: a.lease}
	for i := range a.n {
		x := &answer{job: j, index: i, sampler: newSampler(opt, a.seed, i, a.prompt)}
		x.sampler.logprobs = a.top - 1
		x.sampler.constraint = a.limit
		x.stream = &stream{decoder: letters{}, stops: stopFinder{stops: a.stops}, ends: a.ends}
		if a.top > 0 {
			x.stream.bytes = func(id int32) []byte { return []byte(letters{}.Push(id)) }
		}
		x.drafter = drafter{predicted: slices.Concat(a.prompt, a.predict), ends: a.ends}
		x.seq = sequence{client: a.client, owner: a.owner, ids: append([]int32(nil), a.prompt...), prompt: len(a.prompt), limit: len(a.prompt) + max(a.max, 0), deadline: a.deadline, adapters: a.adapters, key: keyOf(a.adapters)}
		if a.score && i == 0 {
			x.seq.scoreTo, j.promptTop = len(a.prompt)-1, 2
		}
		j.answers = append(j.answers, x)
	}
	return j
}

// do runs one request to its end.
func (r *rig) do(ctx context.Context, a ask, emit func(serving.Event) error) (*reply, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j := newJob(ctx, a)
	n := len(j.answers)
	out := &reply{Text: make([]string, n), Finish: make([]serving.FinishReason, n), Tokens: make([][]serving.TokenLogprob, n)}
	if err := r.engine.submit(j); err != nil {
		if a.lease != nil {
			a.lease()
		}
		return nil, err
	}
	err := j.wait(ctx, func(e serving.Event) error {
		if out.Finish[e.Index] != "" {
			r.t.Errorf("an event after the last: %+v", e)
		}
		out.Text[e.Index] += e.Text
		out.Tokens[e.Index] = append(out.Tokens[e.Index], e.Tokens...)
		out.Finish[e.Index] = e.Finish
		if emit != nil {
			return emit(e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Scores, out.Usage = j.scores, j.usage()
	return out, nil
}

func (r *rig) must(a ask) *reply {
	r.t.Helper()
	out, err := r.do(r.t.Context(), a, nil)
	if err != nil {
		r.t.Fatalf("%+v: %v", a, err)
	}
	return out
}

// alone computes an ask by the plainest means: no cache, no engine, one answer
// after the other. It is the oracle of the engine.
func alone(f *fakeRunner, a ask) *reply {
	out := &reply{}
	for i := range max(a.n, 1) {
		opt := serving.Sampling{TopP: 1, RepetitionPenalty: 1}
		if a.opt != nil {
			opt = *a.opt
		}
		s := newSampler(opt, a.seed, i, a.prompt)
		s.logprobs = a.top - 1
		ids := append([]int32(nil), a.prompt...)
		text, finish := "", serving.FinishLength
		var tokens []serving.TokenLogprob
		for range a.max {
			tok, err := s.next(f.logits(nil, salted(ids, a.adapters), f.vocab))
			if err != nil {
				panic(err)
			}
			out.Usage.Completion++
			if len(a.ends) > 0 && tok.ID == a.ends[0] {
				finish = serving.FinishStop
				break
			}
			tok.Bytes = []byte(letters{}.Push(tok.ID))
			for i := range tok.Top {
				tok.Top[i].Bytes = []byte(letters{}.Push(tok.Top[i].ID))
			}
			ids = append(ids, tok.ID)
			text += letters{}.Push(tok.ID)
			if a.top > 0 {
				tokens = append(tokens, tok)
			}
		}
		out.Text, out.Finish, out.Tokens = append(out.Text, text), append(out.Finish, finish), append(out.Tokens, tokens)
		if a.score && i == 0 {
			for p := 1; p < len(a.prompt); p++ {
				tok, err := score(f.logits(nil, salted(a.prompt[:p], a.adapters), f.vocab), a.prompt[p], 2)
				if err != nil {
					panic(err)
				}
				out.Scores = append(out.Scores, tok)
			}
		}
	}
	out.Usage.Prompt = len(a.prompt)
	return out
}
