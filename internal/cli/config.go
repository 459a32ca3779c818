package cli

import "github.com/spf13/cobra"

func (e *env) config() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print every setting with its default and a comment",
		Long: `Print every setting with its default and a comment, in the form of a
configuration file. Without --config, ./config.yaml is read, or else
graft/config.yaml in the user's config folder.`,
		Example: `  graft config > config.yaml
  GRAFT_ENGINE_THREADS=4 graft serve
  graft serve --set engine.threads=4`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := e.out.Write(e.example)
			return err
		},
	}
}
