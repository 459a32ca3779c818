package native

import (
	"context"
	"time"

	"graft/internal/kernel"
	"graft/internal/model"
	"graft/serving"
)

// Options are the settings of a Backend. Start from DefaultOptions; numbers that
// are 0 stand for those there, where not said otherwise.
type Options struct {
	Models []Source // what can be asked for; the first is the default

	Threads      int         // workers; 0: one for each core
	Context      int         // tokens of one sequence; 0: what the model was trained for
	CacheType    kernel.Type // of keys and values: F16, BF16, F32, Q16, Q8_0, or AutoKV
	CacheBytes   int64       // for keys and values of each model, prefix cache included
	Exact        bool        // quantised models compute with activations in 16 bits, not 8: nearer to the weights' own answers, slower on prompts
	BlockTokens  int         // tokens in a block of the cache: 16, 32, 64 or 128
	NoCache      bool        // switches the prefix cache off
	StepTokens   int         // computed in one step; longer prompts take several
	MixedTokens  int         // the same while answers are being written; bounds the wait for their next token
	MaxRunning   int         // sequences computed together
	MaxQueue     int         // sequences that may wait
	Speculate    bool        // compute guesses of the next tokens where that is faster; it changes no answer
	MemoryBudget int64       // for all loaded models together; 0: none

	Digests DigestCache // of weights whose Source gives no digest; nil: they are read at each load

	Adapters     AdapterLoader // nil: requests with adapters are refused
	AdapterBytes int64         // of CacheBytes, that adapters may take; 0: half

	Observer func(model string) Observer // of a model's latencies; nil: none
	Now      func() time.Time            // nil: time.Now
}

// Source is a model that can be loaded.
type Source struct {
	// Info is what is known before it is loaded: its ID at least. Digest, when
	// given, saves reading all weights once more for the fingerprint.
	Info serving.Model
	// Open returns the path of a GGUF file or Hugging Face folder. It may fetch it
	// first, and is called again after an error.
	Open func(ctx context.Context) (string, error)
}

// AdapterLoader brings adapters from where they are kept into memory. Its methods
// are called by many goroutines, never by the engine's.
type AdapterLoader interface {
	// AdapterBytes is what an adapter will hold in memory, at most.
	AdapterBytes(ctx context.Context, generation string) (int64, error)
	// LoadAdapter reads an adapter and fits it to m, which requests call base.
	LoadAdapter(ctx context.Context, base string, m *model.Model, generation string) (*model.Adapter, error)
}

// DefaultOptions serve a small model on a small machine.
func DefaultOptions() Options {
	return Options{
		CacheType: kernel.AutoKV, CacheBytes: 512 << 20, BlockTokens: 32, Exact: true,
		StepTokens: 512, MixedTokens: 128, MaxRunning: 64, MaxQueue: 256, Speculate: true,
		Now: time.Now,
	}
}

func (o Options) withDefaults() Options {
	d := DefaultOptions()
	if o.CacheBytes == 0 {
		o.CacheBytes = d.CacheBytes
	}
	for _, v := range []struct {
		at   *int
		most int
	}{{&o.BlockTokens, d.BlockTokens}, {&o.StepTokens, d.StepTokens}, {&o.MixedTokens, d.MixedTokens}, {&o.MaxRunning, d.MaxRunning}, {&o.MaxQueue, d.MaxQueue}} {
		if *v.at == 0 {
			*v.at = v.most
		}
	}
	if o.Now == nil {
		o.Now = d.Now
	}
	return o
}
