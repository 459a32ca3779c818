package native

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"graft/internal/chat"
	"graft/internal/grammar"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/tokenizer"
	"graft/internal/weights"
	"graft/serving"
)

// instance is a loaded model.
type instance struct {
	info    serving.Model
	bytes   int64 // weights and cache
	context int   // tokens of one sequence
	vocab   int   // width of the logits
	long    int   // sequences that may grow beyond so many tokens are rotated otherwise; 0: none

	tok         *tokenizer.Tokenizer
	template    *chat.Template // nil: none
	templateErr error          // why a template that is there cannot be used
	markers     map[int32]string
	print       *fingerprint

	model  *model.Model
	cache  *model.Cache // of keys and values; nil for encoders
	engine *engine
	unload func() // lets go of the weights, once the engine has ended

	constraints constraintCache
	vocabulary  func() *grammar.Vocabulary // built at the first use
}

// load reads the model at the path that s opens, and starts its engine.
func (o *Options) load(ctx context.Context, s *Source, pool *kernel.Pool) (in *instance, err error) {
	path, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	tok, err := openTokenizer(path)
	if err != nil {
		return nil, err
	}
	m, err := model.Load(path, model.Options{Workers: o.Threads})
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
	in.describe(s)
	in.print = newFingerprint(path, s.Info.Digest, o.CacheType.String(), kernel.Impl(), fmt.Sprint(o.Exact))
	in.unload = func() {
		in.print.stop()
		_ = m.Close() // unmapping what was only read
		if in.cache != nil {
			_ = in.cache.Close()
		}
	}
	return in, nil
}

func openTokenizer(path string) (*tokenizer.Tokenizer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return tokenizer.FromFolder(path)
	}
	g, err := weights.OpenGGUF(path)
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.FromGGUF(g.Meta)
	return tok, errors.Join(err, g.Close())
}

func (in *instance) compileTemplate() {
	all := in.tok.Templates()
	if len(all) == 0 {
		return
	}
	t := in.tok
	in.template, in.templateErr = chat.CompileSet(all, chat.SpecialTokens{
		BOS: t.Text(t.BOS()), EOS: t.Text(t.EOS()), Pad: t.Text(t.PAD()), Unk: t.Text(t.UNK()),
	})
	if in.templateErr != nil {
		in.template = nil
		return
	}
	in.markers = map[int32]string{}
	for _, text := range in.template.Dialect().Markers() {
		if id, ok := t.ID(text); ok && t.IsControl(id) {
			in.markers[id] = text
		}
	}
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
		// More than all sequences together can use is never needed.
		total = min(total, o.MaxRunning*(in.context+o.BlockTokens-1)/o.BlockTokens)
		spec.Blocks = total
		cache, err := model.NewCache(spec)
		if err != nil {
			return err
		}
		in.bytes += spec.Bytes()
		in.context = min(in.context, total*o.BlockTokens)
		in.cache = cache
		run.ops = model.NewServeOps(pool, cache)
	} else {
		run.ops = model.NewServeOps(pool, nil)
	}
	run.ops.Exact = o.Exact
	b := newBlocks(total, o.BlockTokens)
	b.noCache = o.NoCache
	p := policy{rows: o.StepTokens, mixedRows: o.MixedTokens, logits: max(o.MaxRunning, 64), running: o.MaxRunning, queue: o.MaxQueue}
	var observer Observer
	if o.Observer != nil {
		observer = o.Observer(id)
	}
	in.engine = newEngine(run, c.Encoder, p, b, pool, observer, o.Now)
	return nil
}

func (in *instance) describe(s *Source) {
	c := &in.model.Config
	in.info = s.Info
	in.info.Loaded = true
	in.info.Context = in.context
	in.info.Embedder = c.Encoder
	in.info.Chat = in.template != nil
	in.info.Arch, in.info.Format = c.Arch, c.Format()
	in.info.Params, in.info.Bytes = c.Params, in.bytes
	if in.template != nil {
		in.info.Template = in.template.Source()
	}
}

// close ends the engine, when its answers are done or ctx has ended, and lets go
// of the weights.
func (in *instance) close(ctx context.Context) {
	in.engine.drain(ctx)
	in.unload()
}

// cacheKey is what keys and values depend on besides the tokens.
func (in *instance) cacheKey(limit int) string {
	if in.long > 0 && limit > in.long {
		return "long"
	}
	return ""
}

// modelNeeds estimates the memory of the model at path: its files and the cache.
func (o *Options) modelNeeds(path string) (int64, error) {
	total := o.CacheBytes
	err := filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
