package cli

import (
	"github.com/spf13/cobra"

	"graft/internal/app"
	"graft/internal/hub"
)

func (e *env) serve() *cobra.Command {
	var listen, logLevel string
	var models []string
	var offline bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve models behind the OpenAI API",
		Long: `Serve models behind the OpenAI API. The default model, ` + hub.Default + `, is
fetched at the first start. Several models are served under their ids; the first
one is loaded at once and is the default, the others are loaded at their first
use. SIGTERM or Ctrl-C lets running answers end; a second one stops at once.`,
		Example: `  graft serve
  graft serve --model ./model.gguf --listen 127.0.0.1:9000
  graft serve --model smollm2-135m-instruct --model all-minilm-l6-v2
  graft serve --model small=./models/folder     # under the name "small"
  graft serve --listen 0.0.0.0:8080             # needs an API key: graft keys create NAME`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			flags := map[string]any{}
			for name, set := range map[string]struct {
				key   string
				value any
			}{
				"listen": {"listen", listen}, "model": {"models", models},
				"offline": {"hub.offline", offline}, "log-level": {"log.level", logLevel},
			} {
				if c.Flags().Changed(name) {
					flags[set.key] = set.value
				}
			}
			conf, err := e.load(flags)
			if err != nil {
				return err
			}
			p := e.newProgress(false)
			options := []app.Option{app.LogTo(e.err), app.Version(Version), app.Progress(p.event)}
			if !e.quiet {
				options = append(options, app.Console(e.out))
			}
			a, err := app.New(conf, options...)
			if err != nil {
				return err
			}
			defer p.close()
			return a.Run(c.Context())
		},
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", "", "serve on `HOST:PORT` (default 127.0.0.1:8080)")
	f.StringArrayVarP(&models, "model", "m", nil, "serve this `MODEL`: an id, a file or a folder, or NAME=MODEL (repeatable)")
	f.BoolVar(&offline, "offline", false, "never fetch a model")
	f.StringVar(&logLevel, "log-level", "", "debug, info, warn or error")
	c.RegisterFlagCompletionFunc("model", completeModels)
	return c
}
