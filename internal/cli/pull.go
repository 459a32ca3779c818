package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"graft/internal/hub"
)

func (e *env) pull() *cobra.Command {
	var asJSON, verify bool
	c := &cobra.Command{
		Use:   "pull [MODEL...]",
		Short: "Fetch models",
		Long: `Fetch models into the data folder, the default one when none is named. MODEL is
an id of the catalog (see graft models), or a Hugging Face repository OWNER/NAME,
or one file of it, OWNER/NAME:FILE.gguf. Every file is compared with its sha256;
a download that was interrupted is continued. HF_TOKEN gives access to gated
models, HF_ENDPOINT names a mirror.`,
		Example: `  graft pull
  graft pull all-minilm-l6-v2 gemma-3-270m
  graft pull OWNER/NAME:model-Q4_K_M.gguf
  graft pull --verify smollm2-135m-instruct`,
		ValidArgsFunction: completeModels,
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = []string{hub.Default}
			}
			h := e.hub(conf)
			for _, id := range args {
				p := e.newProgress(asJSON)
				fetched := false
				l, err := h.Pull(c.Context(), id, func(ev hub.Event) {
					fetched = fetched || ev.Kind == hub.EventDone
					p.event(ev)
				})
				if err == nil && asJSON && !fetched { // it was here
					p.event(hub.Event{Kind: hub.EventDone, Model: l.ID, Source: l.Source, Done: l.Bytes, Total: l.Bytes, Path: l.Path})
				}
				p.close()
				if err == nil && verify {
					err = h.Verify(id)
				}
				if err != nil {
					return err
				}
				if !asJSON {
					fmt.Fprintf(e.out, "%s  %s\n", l.ID, l.Path)
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print events as JSON, one a line")
	c.Flags().BoolVar(&verify, "verify", false, "read the files again and compare their sha256")
	return c
}

// completeModels offers the ids of the catalog to the shell.
func completeModels(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	for _, m := range hub.Catalog() {
		ids = append(ids, m.ID+"\t"+m.Title)
	}
	return ids, cobra.ShellCompDirectiveDefault
}
