package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"graft/internal/weights"
	"graft/training/dataset"
)

func (e *env) data() *cobra.Command {
	c := &cobra.Command{
		Use:   "data",
		Short: "Check, split and preview training files",
		Long: `Check, split and preview training files: one JSON object a line, as for OpenAI's
fine-tuning. Rows are conversations ({"messages": […]}), completions ({"prompt": "…",
"completion": "…"}) or preferences ({"input": {"messages": […]}, "preferred_output":
[…], "non_preferred_output": […]}). They are read with the tokenizer and the chat
template of --model, as training and serving do.`,
		Example: `  graft data check train.jsonl
  graft data split all.jsonl --train train.jsonl --validation validation.jsonl
  graft data preview train.jsonl --line 3`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(e.checkData(), e.splitData(), e.previewData())
	return c
}

// dataFlags are how a file is read.
type dataFlags struct {
	model     string
	maxTokens int
	long      string
	dpo       bool
	thinking  bool
	variables string
	control   bool
	asJSON    bool

	path string // of the model, once format has found it
}

func (d *dataFlags) register(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&d.model, "model", "m", "", "read rows as this `MODEL` does (default: the first one configured)")
	f.BoolVar(&d.dpo, "dpo", false, "the rows are preferences")
	f.StringVar(&d.variables, "template-kwargs", "", "variables of the chat template, as `JSON`: {\"enable_thinking\": false}")
	f.BoolVar(&d.thinking, "train-empty-thinking", false, "also train the empty block of reasoning that a template writes before answers without reasoning")
	f.BoolVar(&d.control, "allow-control-text", false, "read the text of control tokens in messages as ordinary text, instead of refusing it")
	f.BoolVar(&d.asJSON, "json", false, "print JSON")
	c.RegisterFlagCompletionFunc("model", completeModels)
}

func (d *dataFlags) registerBounds(c *cobra.Command) {
	c.Flags().IntVar(&d.maxTokens, "max-tokens", 0, "longest row, in tokens (default: what the model takes)")
	c.Flags().StringVar(&d.long, "long", "fail", "what becomes of longer rows: fail, drop or truncate")
}

// format reads the tokenizer and the template.
func (e *env) format(ctx context.Context, d *dataFlags) (*dataset.Format, error) {
	var vars map[string]any
	if d.variables != "" {
		if err := json.Unmarshal([]byte(d.variables), &vars); err != nil {
			return nil, fmt.Errorf("--template-kwargs %s: want a JSON object: %w", d.variables, err)
		}
	}
	flags := map[string]any{}
	if d.model != "" {
		flags["models"] = []string{d.model}
	}
	conf, err := e.load(flags)
	if err != nil {
		return nil, err
	}
	if len(conf.Models) == 0 {
		return nil, errors.New("no model is configured: give one with --model")
	}
	p := e.newProgress(false)
	l, err := e.hub(conf).Pull(ctx, conf.Models[0], p.event)
	p.close()
	if err != nil {
		return nil, err
	}
	if d.maxTokens == 0 {
		d.maxTokens = contextOf(l.Path)
	}
	d.path = l.Path
	t, err := openTokenizer(l.Path)
	if err != nil {
		return nil, err
	}
	return dataset.NewFormat(t, dataset.FormatOptions{Vars: vars, Now: time.Now()}), nil
}

// contextOf is how many tokens a model takes, 0 if its files do not say.
func contextOf(path string) int {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		text, err := os.ReadFile(filepath.Join(path, "config.json"))
		var c struct {
			Context int `json:"max_position_embeddings"`
		}
		if err != nil || json.Unmarshal(text, &c) != nil {
			return 0
		}
		return max(c.Context, 0)
	}
	g, err := weights.OpenGGUF(path)
	if err != nil {
		return 0
	}
	defer g.Close()
	arch, _ := g.Meta.String("general.architecture")
	n, ok := g.Meta.Uint(arch + ".context_length")
	if !ok || n > 1<<30 {
		return 0
	}
	return int(n)
}

// options are those of a training file.
func (d *dataFlags) options(path string, f *dataset.Format) (dataset.Options, error) {
	o := dataset.Options{File: path, Format: f, Render: d.render(), Pairs: d.dpo, MaxTokens: d.maxTokens}
	switch d.long {
	case "", "fail":
	case "drop":
		o.Long = dataset.LongDrop
	case "truncate":
		o.Long = dataset.LongCut
	default:
		return o, fmt.Errorf("--long %s: want fail, drop or truncate", d.long)
	}
	if d.maxTokens < 0 {
		return o, fmt.Errorf("--max-tokens %d: want a number above 0, or 0 for no bound", d.maxTokens)
	}
	return o, nil
}

func (d *dataFlags) render() dataset.RenderOptions {
	return dataset.RenderOptions{EmptyThinking: d.thinking, ControlText: d.control}
}

// loadData reads a file.
func loadData(ctx context.Context, path string, o dataset.Options) (*dataset.Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return dataset.Load(ctx, f, o)
}
