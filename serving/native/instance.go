package native

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"graft/internal/chat"
	"graft/internal/grammar"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/tokenizer"
	"graft/serving"
)

// instance is a loaded model.
type instance struct {
	info    serving.Model
	bytes   int64 // weights and cache, of which adapters have a part
	context int   // tokens of one sequence
	vocab   int   // width of the logits
	long    int   // sequences that may grow beyond so many tokens are rotated otherwise; 0: none

	tok       *tokenizer.Tokenizer
	format    *chatFormat // nil: the model cannot chat
	formatErr error       // why a template that is there cannot be used
	templates templateCache
	print     *fingerprint

	model  *model.Model
	cache  *model.Cache // of keys and values; nil for encoders
	engine *engine
	unload func() // lets go of the weights, once the engine has ended

	adapters      *residency // nil: it takes none
	adapterBlocks int        // of the cache, that they may take

	constraints constraintCache
	vocabulary  func() *grammar.Vocabulary // built at the first use
}

// load reads the model at the path that s opens, and starts its engine.
func (o *Options) load(ctx context.Context, s *Source, pool *kernel.Pool, pinned func(generation string) bool) (in *instance, err error) {
	path, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	m, tok, err := openModel(path, o.Threads)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	in = &instance{model: m, tok: tok, vocab: m.Config.Vocab, bytes: m.Config.Bytes}
	in.vocabulary = sync.OnceValue(func() *grammar.Vocabulary { return vocabularyOf(tok) })
	if m.Config.Rope.Scaling == "longrope" {
		in.long = m.Config.Rope.OriginalContext
	}
	in.compileTemplate()
	if err := o.startEngine(in, s.Info.ID, pool); err != nil {
		return nil, err
	}
	o.startResidency(in, s.Info.ID, pinned)
	in.describe(s)
	in.print = newFingerprint(path, s.Info.Digest, o.Digests, o.CacheType.String(), kernel.Impl(), fmt.Sprint(o.Exact))
	in.unload = func() {
		in.print.stop()
		_ = m.Close() // unmapping what was only read
		if in.cache != nil {
			_ = in.cache.Close()
		}
	}
	return in, nil
}

func (in *instance) compileTemplate() {
	all := in.tok.Templates()
	if len(all) == 0 {
		return
	}
	t, err := chat.CompileSet(all, specialTokens(in.tok))
	if err != nil {
		in.formatErr = err
		return
	}
	in.format = newChatFormat(in.tok, t)
}

// startEngine makes the cache as large as its memory allows and starts the
// engine. A sequence can be as long as the model and the cache allow.
func (o *Options) startEngine(in *instance, id string, pool *kernel.Pool) error {
	c := &in.model.Config
	in.context = c.Context
	if o.Context > 0 {
		in.context = min(in.context, o.Context)
	}
	run := &modelRunner{model: in.model}
	total := 0
	if !c.Encoder {
		spec := in.model.CacheSpec(o.CacheType, o.BlockTokens, 1)
		if err := spec.Check(); err != nil {
			return err
		}
		total = int(o.CacheBytes / spec.BlockBytes())
		if total < 1 {
			return fmt.Errorf("one block of keys and values takes %d bytes, the memory for them is %d: raise engine.kv_memory", spec.BlockBytes(), o.CacheBytes)
		}
		if o.AdapterBytes >= o.CacheBytes {
			return fmt.Errorf("adapters may take %d bytes, of %d for them and keys and values: lower adapters.memory or raise engine.kv_memory", o.AdapterBytes, o.CacheBytes)
		}
		// More than all sequences together can use is never needed.
		in.adapterBlocks = o.adapterBlocks(total, in.context, spec.BlockBytes())
		total = min(total, o.MaxRunning*(in.context+o.BlockTokens-1)/o.BlockTokens+in.adapterBlocks)
		spec.Blocks = total
		cache, err := model.NewCache(spec)
		if err != nil {
			return err
		}
		in.bytes += spec.Bytes()
		in.context = min(in.context, (total-in.adapterBlocks)*o.BlockTokens)
		in.cache = cache
		run.ops = model.NewServeOps(pool, cache)
	} else {
		run.ops = model.NewServeOps(pool, nil)
	}
	run.ops.Exact = o.Exact
	b := newBlocks(total, o.BlockTokens, in.cache.CopyBlock)
	b.noCache = o.NoCache
	p := policy{rows: o.StepTokens, mixedRows: o.MixedTokens, logits: max(o.MaxRunning, 64), running: o.MaxRunning, queue: o.MaxQueue, speculate: o.Speculate}
	var observer Observer
	if o.Observer != nil {
		observer = o.Observer(id)
	}
	in.engine = newEngine(run, c.Encoder, p, b, pool, observer, o.Now)
	return nil
}

// adapterBlocks is how many of total blocks adapters may take: half, or less where
// a sequence of the whole context needs more than the other half, but an eighth at
// least. A sequence can be as long as the blocks that adapters never take.
func (o *Options) adapterBlocks(total, context int, blockBytes int64) int {
	switch {
	case o.Adapters == nil:
		return 0
	case o.AdapterBytes > 0:
		return min(int(o.AdapterBytes/blockBytes), total-1)
	}
	return max(total/8, min(total/2, total-(context+o.BlockTokens-1)/o.BlockTokens))
}

// startResidency makes room for adapters, which are loaded when they are asked for.
func (o *Options) startResidency(in *instance, id string, pinned func(string) bool) {
	if o.Adapters == nil || in.cache == nil {
		return
	}
	in.adapters = newResidency(residencyEnv{
		budget: in.adapterBlocks, blockBytes: in.cache.BlockBytes(), queue: o.MaxQueue,
		size: o.Adapters.AdapterBytes,
		load: func(ctx context.Context, generation string) (*model.Adapter, error) {
			return o.Adapters.LoadAdapter(ctx, id, in.model, generation)
		},
		lend: in.engine.lend, giveBack: in.engine.giveBack, free: in.cache.Release,
		pinned: pinned, now: o.Now,
	})
}

func (in *instance) describe(s *Source) {
	c := &in.model.Config
	in.info = s.Info
	in.info.Loaded = true
	in.info.Context = in.context
	in.info.Embedder = c.Encoder
	in.info.Chat = in.format != nil
	in.info.Arch, in.info.Format = c.Arch, c.Format()
	in.info.Params, in.info.Bytes = c.Params, in.bytes
	if in.format != nil {
		in.info.Template = in.format.template.Source()
	}
}

// close ends the engine, when its answers are done or ctx has ended, and lets go
// of the weights.
func (in *instance) close(ctx context.Context) {
	if in.adapters != nil {
		in.adapters.drain()
	}
	in.engine.drain(ctx)
	in.unload()
}

// cacheKey is what keys and values depend on besides the tokens.
func (in *instance) cacheKey(limit int, set adapterSet) string {
	key := set.key()
	if in.long > 0 && limit > in.long {
		key += "long"
	}
	return key
}

// modelNeeds estimates the memory of the model at path: its files and the cache.
func (o *Options) modelNeeds(path string) (int64, error) {
	n, err := fileBytes(path)
	return n + o.CacheBytes, err
}
