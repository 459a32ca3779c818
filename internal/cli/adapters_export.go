package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"graft/adapters"
	"graft/internal/app"
	"graft/internal/hub"
	"graft/internal/kernel"
	"graft/internal/model"
	"graft/internal/tokenizer"
)

// withLibrary opens the adapters of the data folder; servers elsewhere do not give
// theirs away.
func (e *env) withLibrary(ctx context.Context, f *adapterFlags, do func(*app.Library) error) error {
	if f.url != "" {
		return errors.New("this works on the data folder: run it on the server's machine, without --url")
	}
	conf, err := e.load(nil)
	if err != nil {
		return err
	}
	l, err := app.OpenLibrary(ctx, conf)
	if err != nil {
		return err
	}
	defer l.Close()
	return do(l)
}

// baseUsage explains --base where a model is read.
const baseUsage = "the `MODEL` it belongs to: an id, a file or a folder (default: the one it was added for)"

func (e *env) exportAdapter(f *adapterFlags) *cobra.Command {
	var out, base string
	c := &cobra.Command{
		Use:   "export NAME[@GENERATION] --out DIR|FILE.gguf",
		Short: "Write an adapter as a PEFT folder or a GGUF file",
		Long: `Write an adapter as a PEFT folder, or as a GGUF file that llama.cpp takes with
--lora. What GGUF cannot hold (DoRA, trained biases, whole modules) is refused:
merge such an adapter instead.`,
		Example: `  graft adapters export support --out ./support
  graft adapters export support@9f86d081 --out support.gguf
  llama-server -m base.gguf --lora support.gguf`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return e.withLibrary(c.Context(), f, func(l *app.Library) error {
				if strings.HasSuffix(out, ".gguf") {
					b, m, _, err := l.Bind(c.Context(), args[0], base)
					if err != nil {
						return err
					}
					defer m.Close()
					if err := adapters.WriteGGUF(out, b.Adapter, &m.Config); err != nil {
						return err
					}
					return e.wrote(f, out, b.Generation, nil)
				}
				a, _, err := l.Adapter(c.Context(), args[0])
				if err == nil {
					err = adapters.WritePEFT(out, a)
				}
				if err != nil {
					return err
				}
				return e.wrote(f, out, a.Generation, nil)
			})
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", "write to this `PATH`; .gguf makes a GGUF file")
	c.Flags().StringVar(&base, "base", "", baseUsage)
	c.MarkFlagRequired("out")
	return c
}

// wrote tells what was written where.
func (e *env) wrote(f *adapterFlags, path, generation string, report *adapters.MergeReport) error {
	if f.json {
		return json.NewEncoder(e.out).Encode(map[string]any{"path": path, "generation": generation, "compared": report})
	}
	if report != nil && !e.quiet {
		fmt.Fprintf(e.err, "compared with base and adapter on %d tokens: mean KL %.2g nats, the same likeliest token at %s of the places\n", report.Tokens, report.KL, percent(report.Top1))
	}
	_, err := fmt.Fprintln(e.out, path)
	return err
}

// mergeFlags are how a merged model is written.
type mergeFlags struct {
	out, typ, name, base string
	unchecked            bool
}

func (e *env) mergeAdapter(f *adapterFlags) *cobra.Command {
	var m mergeFlags
	c := &cobra.Command{
		Use:   "merge NAME[@GENERATION] --out DIR|FILE.gguf",
		Short: "Write the base with an adapter merged into it",
		Long: `Write the base with an adapter merged into it: as a folder that transformers loads,
or as a GGUF file that llama.cpp loads. The update is added to the base's weights in
float32 and rounded once. What was written is then read again and compared with base
and adapter: a base that was quantised is another model after quantising it anew, and
the report says how far off.`,
		Example: `  graft adapters merge support --out ./support-merged
  graft adapters merge support --out support.gguf --type q8_0
  graft serve --model ./support.gguf`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return e.withLibrary(c.Context(), f, func(l *app.Library) error { return e.merge(c.Context(), f, m, l, args[0]) })
		},
	}
	c.Flags().StringVarP(&m.out, "out", "o", "", "write to this `PATH`; .gguf makes a GGUF file")
	c.Flags().StringVar(&m.typ, "type", "f16", "store matrices as f32, f16, bf16, or (GGUF only) q8_0")
	c.Flags().StringVar(&m.base, "base", "", baseUsage)
	c.Flags().StringVar(&m.name, "name", "", "what the merged model calls itself")
	c.Flags().BoolVar(&m.unchecked, "no-compare", false, "do not compare what was written with base and adapter")
	c.MarkFlagRequired("out")
	return c
}

func (e *env) merge(ctx context.Context, f *adapterFlags, m mergeFlags, l *app.Library, name string) error {
	typ, err := kernel.ParseType(m.typ)
	if err != nil {
		return fmt.Errorf("--type: %w", err)
	}
	b, base, local, err := l.Bind(ctx, name, m.base)
	if err != nil {
		return err
	}
	defer base.Close()
	o := adapters.ExportOptions{Path: local.Path, Type: typ, Name: m.name}
	if strings.HasSuffix(m.out, ".gguf") {
		err = b.ExportGGUF(m.out, o)
	} else {
		err = b.ExportFolder(m.out, o)
	}
	if err != nil || m.unchecked {
		if err == nil {
			err = e.wrote(f, m.out, b.Generation, nil)
		}
		return err
	}
	report, err := compareMerged(ctx, b, local, m.out)
	if err != nil {
		return fmt.Errorf("%s is written, but could not be compared with base and adapter: %w", m.out, err)
	}
	return e.wrote(f, m.out, b.Generation, &report)
}

// compareMerged reads a merged model and compares it on the probes.
func compareMerged(ctx context.Context, b *adapters.Bound, base hub.Local, path string) (r adapters.MergeReport, err error) {
	tok, err := openTokenizer(base.Path)
	if err != nil {
		return r, err
	}
	merged, err := model.Load(path, model.Options{})
	if err != nil {
		return r, err
	}
	defer merged.Close()
	var texts [][]int32
	for _, p := range probes {
		texts = append(texts, tok.Encode(p.Prompt+"\n"+p.Answer, tokenizer.EncodeOptions{AddSpecial: true}))
	}
	return b.Compare(ctx, merged, texts)
}
