package cli

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"graft/internal/app"
	"graft/internal/config"
)

// chatFlags are what `graft chat` can be told.
type chatFlags struct {
	model, system, url, key string
	temperature             float64
	maxTokens               int
}

func (e *env) chat() *cobra.Command {
	var f chatFlags
	c := &cobra.Command{
		Use:   "chat [PROMPT]",
		Short: "Talk to a model in the terminal",
		Long: `Talk to a model in the terminal. The server that runs with the same data folder
is used when there is one; otherwise the model is loaded for this chat alone.
With a PROMPT, or with text on standard input, the answer is printed and the
program ends. In a conversation, Ctrl-C stops an answer and /help lists what can
be typed.`,
		Example: `  graft chat
  graft chat "Name three rivers in Europe."
  graft chat --model ./model.gguf --system "Answer in one word."
  git diff | graft chat --quiet > summary.txt`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return e.runChat(c.Context(), f, strings.Join(args, " "))
		},
	}
	c.Flags().StringVarP(&f.model, "model", "m", "", "use this `MODEL`: an id, a file or a folder")
	c.Flags().StringVar(&f.system, "system", "", "begin with this system message")
	c.Flags().Float64Var(&f.temperature, "temperature", 0.3, "0: always the most probable token; 1: as varied as the model was trained")
	c.Flags().IntVar(&f.maxTokens, "max-tokens", 1024, "longest answer, in tokens; 0: no limit")
	c.Flags().StringVar(&f.url, "url", "", "use the server at this `URL` (also GRAFT_URL)")
	c.Flags().StringVar(&f.key, "key", "", "API `KEY` for it (also GRAFT_API_KEY, OPENAI_API_KEY)")
	c.RegisterFlagCompletionFunc("model", completeModels)
	return c
}

func (e *env) runChat(ctx context.Context, f chatFlags, prompt string) error {
	flags := map[string]any{}
	if f.model != "" {
		flags["models"] = []string{f.model}
	}
	conf, err := e.load(flags)
	if err != nil {
		return err
	}
	cl, end, err := e.connect(ctx, f, conf)
	if err != nil {
		return err
	}
	defer end()
	model := f.model
	if model == "" || f.url == "" && strings.ContainsAny(model, `/\`) { // a file has got an id of its own
		if model, err = cl.model(ctx); err != nil {
			return err
		}
	}
	// From here on an interrupt stops an answer, not the program.
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM)
	defer stop()
	talk := &talk{env: e, client: cl, request: chatRequest{Model: model, Temperature: f.temperature, MaxTokens: f.maxTokens}}
	if f.system != "" {
		talk.request.Messages = []turn{{"system", f.system}}
	}
	return talk.run(ctx, prompt)
}

// connect finds a server, or starts one for this process alone. end ends it.
func (e *env) connect(ctx context.Context, f chatFlags, conf config.Config, options ...app.Option) (cl *client, end func(), err error) {
	return e.connectTo(ctx, f, conf, append(options, app.Beside())...)
}

// connectTo is connect with a server that has the data folder, unless it is Beside.
func (e *env) connectTo(ctx context.Context, f chatFlags, conf config.Config, options ...app.Option) (cl *client, end func(), err error) {
	cl = &client{
		url: strings.TrimRight(cmp.Or(f.url, os.Getenv("GRAFT_URL")), "/"),
		key: cmp.Or(f.key, os.Getenv("GRAFT_API_KEY"), os.Getenv("OPENAI_API_KEY")),
	}
	if cl.url != "" {
		return cl, func() {}, nil
	}
	// A model that was named may not be among those of the running server.
	if i, ok := app.Running(conf.DataDir); ok && f.model == "" {
		cl.url = i.URL
		return cl, func() {}, nil
	}
	conf.Listen, conf.Auth.Required = "127.0.0.1:0", config.Off
	conf.Tracing = config.Tracing{}
	p := e.newProgress(false)
	a, err := app.New(conf, append(options, app.Version(Version), app.Progress(p.event))...)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	end = func() {
		cancel()
		<-done
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupted)
	defer p.close()
	select {
	case <-a.Ready():
		cl.url = a.URL()
		return cl, end, nil
	case err := <-done:
		cancel()
		return nil, nil, err
	case <-interrupted:
		end()
		return nil, nil, errors.New("interrupted")
	}
}
