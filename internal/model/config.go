package model

import (
	"errors"
	"fmt"
)

// Config is the shape of a model and what its architecture needs to know,
// wherever it was written: in the metadata of a GGUF file or in config.json.
type Config struct {
	Arch    string // name of the architecture: "llama", …
	Name    string // what the file calls the model; may be empty
	Encoder bool   // sees the whole text at once, has no logits (BERT)

	Layers  int
	Width   int // D
	Heads   int // H
	KVHeads int // G
	HeadDim int // K; not always Width/Heads
	FFN     int // F
	Vocab   int // V
	Types   int // token types (BERT)
	Context int // tokens that the model was trained to hold

	Eps        float32 // of the norms
	Act        Activation
	QueryScale float32 // factor on attention logits, usually 1/sqrt(K)
	AttnCap    float32 // soft cap of attention logits; 0: none
	LogitCap   float32 // soft cap of the logits; 0: none
	EmbedScale float32 // factor on embeddings
	Windows    []int   // of each layer: tokens a query may look back, itself included; 0: all
	Rope       RopeConfig
	RopeLocal  RopeConfig // of the layers with a window (Gemma 3)
	Tied       bool       // the head is the embedding table

	// Pooling is how a text's embedding is made of the hidden states of its
	// tokens: "mean", "cls" (the first one) or "last".
	Pooling string

	Params  int64            // number of weights
	Bytes   int64            // size of the weights in memory
	Formats map[string]int64 // number of weights in each storage format: "Q4_1", …
}

// Format is the storage format of most weights.
func (c *Config) Format() string {
	best := ""
	for name, n := range c.Formats {
		if m := c.Formats[best]; n > m || n == m && name < best {
			best = name
		}
	}
	return best
}

// Window is the widest look-back among the layers: no token further back than
// this is ever read again. 0: some layer reads all.
func (c *Config) Window() int {
	widest := 0
	for _, w := range c.Windows {
		if w == 0 {
			return 0
		}
		widest = max(widest, w)
	}
	return widest
}

// setWindows gives the layers that sliding names a window of n tokens.
func (c *Config) setWindows(n int, sliding func(layer int) bool) {
	for i := range c.Windows {
		if sliding(i) {
			c.Windows[i] = n
		}
	}
}

// Bounds on what a file may claim, far above every known model. They keep
// products of sizes within an int and loops over layers short.
const (
	maxLayers = 1 << 12
	maxWidth  = 1 << 20
	maxVocab  = 1 << 24
)

// check returns every contradiction in c.
func (c *Config) check() error {
	var errs []error
	within := func(what string, n, top int) {
		if n < 1 || n > top {
			errs = append(errs, fmt.Errorf("%s is %d, want 1 to %d", what, n, top))
		}
	}
	within("number of layers", c.Layers, maxLayers)
	within("width", c.Width, maxWidth)
	within("number of attention heads", c.Heads, maxWidth)
	within("number of key/value heads", c.KVHeads, maxWidth)
	within("width of a head", c.HeadDim, maxWidth)
	within("width of the feed-forward layer", c.FFN, maxWidth)
	within("size of the vocabulary", c.Vocab, maxVocab)
	within("context length", c.Context, 1<<30)
	if len(errs) == 0 && (c.Heads%c.KVHeads != 0 || c.Heads*c.HeadDim > maxWidth) {
		errs = append(errs, fmt.Errorf("%d attention heads of %d share %d key/value heads", c.Heads, c.HeadDim, c.KVHeads))
	}
	if !(c.Eps > 0 && c.Eps < 1) {
		errs = append(errs, fmt.Errorf("epsilon of the norms is %g", c.Eps))
	}
	if len(errs) == 0 && len(c.Windows) != c.Layers {
		errs = append(errs, fmt.Errorf("windows of %d layers, want %d", len(c.Windows), c.Layers))
	}
	for i, w := range c.Windows {
		if w < 0 {
			errs = append(errs, fmt.Errorf("window of layer %d is %d", i, w))
		}
	}
	if !c.Encoder {
		errs = append(errs, c.Rope.check("rope", c.HeadDim), c.RopeLocal.check("local rope", c.HeadDim))
	}
	return errors.Join(errs...)
}
