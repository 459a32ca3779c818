// Package cli is the command line: one file per command, each turning flags
// into a call of another package and its result into text.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"graft/internal/config"
	"graft/internal/hub"
)

// env is what every command may use.
type env struct {
	in       io.Reader
	out, err io.Writer
	example  []byte // config.yaml with every key and its default

	configFile, dataDir string
	set                 []string
	quiet               bool
}

// Main runs the command line and returns the exit status: 0, 1 after an error, or
// that of a verdict which is no clear win; it has written why to stderr.
func Main(example []byte, args []string, in io.Reader, out, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	e := &env{in: in, out: out, err: stderr, example: example}
	root := e.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(stderr, "%s %v\n", e.paint(stderr, "31", "graft:"), err)
	if x := (*exitError)(nil); errors.As(err, &x) {
		return x.code
	}
	return 1
}

func (e *env) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "graft",
		Short: "Serve a small language model behind the OpenAI API",
		Long: `graft serves a small language model behind the OpenAI API, computed by its own
engine on the CPU. It needs nothing but itself: the default model is fetched at
the first start.`,
		Example: `  graft serve                         # fetch the default model and serve it
  graft chat                          # talk to it in the terminal
  graft serve --model ./model.gguf    # serve a file of your own`,
		Version:       Version,
		SilenceErrors: true, SilenceUsage: true,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(e.in)
	root.SetOut(e.out)
	root.SetErr(e.err)
	root.SetVersionTemplate("graft {{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w; see `%s --help`", err, c.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVar(&e.configFile, "config", "", "read settings from `FILE` (default ./config.yaml or the user's config folder)")
	f.StringVar(&e.dataDir, "data-dir", "", "keep all state in `DIR`")
	f.StringArrayVar(&e.set, "set", nil, "override a setting with `KEY=VALUE`, as in engine.threads=4 (repeatable; graft config lists them)")
	f.BoolVarP(&e.quiet, "quiet", "q", false, "print results and errors only")
	root.AddCommand(e.serve(), e.chat(), e.tokenize(), e.pull(), e.models(), e.adapters(), e.data(), e.train(), e.jobs(), e.eval(), e.advise(), e.bench(), e.keys(), e.config(), e.version())
	root.AddCommand(e.report(), e.rate())
	root.AddCommand(e.prove(), e.compare())
	return root
}

// load reads the configuration; flags are settings of the command's own flags.
func (e *env) load(flags map[string]any) (config.Config, error) {
	all := map[string]any{}
	for _, s := range e.set {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return config.Config{}, fmt.Errorf("--set %s: write KEY=VALUE, as in engine.threads=4", s)
		}
		all[key] = value
	}
	if e.dataDir != "" {
		all["data_dir"] = e.dataDir
	}
	for key, value := range flags {
		all[key] = value
	}
	c, err := config.Load(config.Request{File: e.configFile, Flags: all, Environ: os.Environ()})
	if err == nil && !e.quiet {
		for _, w := range c.Warnings {
			fmt.Fprintf(e.err, "%s %s\n", e.paint(e.err, "33", "graft: warning:"), w)
		}
	}
	return c, err
}

// hub opens the models of a configuration.
func (e *env) hub(c config.Config) *hub.Hub { return hub.New(c.HubOptions()) }

// terminal tells whether w is one, and its width in columns.
func terminal(w any) (width int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// paint colours text where colour is seen and wanted (https://no-color.org).
func (e *env) paint(w io.Writer, code, text string) string {
	if _, ok := terminal(w); !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
