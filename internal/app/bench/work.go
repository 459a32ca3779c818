package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"graft/internal/kernel"
	"graft/internal/model"
)

// Work is what a model has to read and to compute: what ceilings are made of.
// Operations are multiplications and additions, two for each weight.
type Work struct {
	// WeightBytes are read for each token that one stream generates: all matrices, but
	// for an embedding table that is not the head.
	WeightBytes int64 `json:"weight_bytes"`
	LayerOps    int64 `json:"layer_ops"` // of a token in the matrices of all layers
	LastOps     int64 `json:"last_ops"`  // those of them after the attention of the last layer, which few tokens of a prompt go through
	HeadOps     int64 `json:"head_ops"`  // of a token in the head
	// KV and scores of each layer: tokens that it looks back are read and weighed.
	KVBytes   int64 `json:"kv_bytes"`   // of keys and values of one token in one layer
	AttendOps int64 `json:"attend_ops"` // of a query and one token before it, in one layer
	Windows   []int `json:"windows"`    // of each layer: tokens that it looks back at most; 0: all
}

// workOf is the work of m with keys and values kept as cache.
func workOf(m *model.Model, cache kernel.Type) Work {
	c := &m.Config
	kv := m.CacheSpec(cache, 32, 1)
	w := Work{
		KVBytes:   kv.BlockBytes() / int64(kv.Layers*kv.BlockLen),
		AttendOps: 4 * int64(c.Heads) * int64(c.HeadDim), // q·k and p·v
		Windows:   make([]int, c.Layers),
	}
	copy(w.Windows, c.Windows)
	for _, l := range m.Linears {
		ops := 2 * int64(l.W.Rows) * int64(l.W.Cols)
		switch l.Module {
		case "model.embed_tokens": // one row is read
			continue
		case "lm_head":
			w.HeadOps += ops
		default:
			w.LayerOps += ops
			if afterLast(l.Module, c.Layers) {
				w.LastOps += ops
			}
		}
		w.WeightBytes += l.W.Bytes()
	}
	return w
}

// afterLast tells whether a module of the last layer follows its attention.
func afterLast(module string, layers int) bool {
	if !strings.HasPrefix(module, fmt.Sprintf("model.layers.%d.", layers-1)) {
		return false
	}
	part := module[strings.LastIndexByte(module, '.')+1:]
	return !slices.Contains([]string{"q_proj", "k_proj", "v_proj", "qkv_proj"}, part)
}

// seen is how many tokens layers with these windows together look back at from position i, that token itself
// included.
func seen(windows []int, i int) (tokens int64) {
	for _, window := range windows {
		if window == 0 {
			window = math.MaxInt
		}
		tokens += int64(min(i+1, window))
	}
	return tokens
}

// ContextBytes of keys and values are read for the token at position i.
func (w *Work) ContextBytes(i int) int64 { return seen(w.Windows, i) * w.KVBytes }

// ContextOps are the operations of attention for the tokens of a prompt at positions from to to-1, without the last
// layer, where few of them attend.
func (w *Work) ContextOps(from, to int) (ops int64) {
	for i := from; i < to; i++ {
		ops += seen(w.Windows[:len(w.Windows)-1], i) * w.AttendOps
	}
	return ops
}
