package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"graft/internal/hub"
)

// modelLine is a model as `graft models --json` prints it.
type modelLine struct {
	ID        string   `json:"id"`
	Title     string   `json:"title,omitempty"`
	Kind      hub.Kind `json:"kind,omitempty"`
	Params    string   `json:"params,omitempty"`
	Bytes     int64    `json:"bytes,omitempty"`
	License   string   `json:"license,omitempty"`
	Terms     string   `json:"license_url,omitempty"`
	Sources   []string `json:"sources,omitempty"`
	Tried     bool     `json:"tried"`
	Installed bool     `json:"installed"`
	Path      string   `json:"path,omitempty"`
	Digest    string   `json:"sha256,omitempty"`
	Note      string   `json:"note,omitempty"`
}

func (e *env) models() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "models",
		Short: "List the catalog and the models on this machine",
		Example: `  graft models
  graft models --json
  graft models remove gemma-3-270m`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			lines, err := listModels(e.hub(conf))
			if err != nil {
				return err
			}
			if asJSON {
				enc := json.NewEncoder(e.out)
				enc.SetIndent("", "  ")
				return enc.Encode(lines)
			}
			return printModels(e.out, lines)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(e.removeModel())
	return c
}

func (e *env) removeModel() *cobra.Command {
	return &cobra.Command{
		Use:     "remove MODEL...",
		Aliases: []string{"rm"},
		Short:   "Delete models from this machine",
		Example: "  graft models remove gemma-3-270m",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			conf, err := e.load(nil)
			if err != nil {
				return err
			}
			for _, id := range args {
				if err := e.hub(conf).Remove(id); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// listModels is the catalog, and then what else has been pulled.
func listModels(h *hub.Hub) ([]modelLine, error) {
	var lines []modelLine
	for _, m := range hub.Catalog() {
		line := modelLine{
			ID: m.ID, Title: m.Title, Kind: m.Kind, Params: m.Params, Bytes: m.Bytes(), License: m.License.Name, Terms: m.License.URL,
			Sources: m.Sources(), Tried: m.Tried, Note: m.Note,
		}
		if l, err := h.Find(m.ID); err == nil {
			line.Installed, line.Path, line.Digest, line.Bytes = true, l.Path, l.Digest, l.Bytes
		}
		lines = append(lines, line)
	}
	pulled, err := h.List()
	if err != nil {
		return nil, err
	}
	for _, l := range pulled {
		if _, ok := hub.Lookup(l.ID); !ok {
			lines = append(lines, modelLine{ID: l.ID, Bytes: l.Bytes, Sources: []string{l.Source}, Installed: true, Path: l.Path, Digest: l.Digest, Tried: true})
		}
	}
	return lines, nil
}

func printModels(out io.Writer, lines []modelLine) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEL\tKIND\tPARAMS\tSIZE\tHERE\tLICENCE\tNOTE")
	for _, m := range lines {
		size, here, note := "", "", m.Note
		if m.Bytes > 0 {
			size = hub.Size(m.Bytes)
		}
		if m.Installed {
			here = "yes"
		}
		if !m.Tried {
			note = "not tried here; sha256 recorded when pulled"
		}
		license := m.License
		if m.Terms != "" && license != "Apache-2.0" && license != "MIT" {
			license += " " + m.Terms
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.ID, m.Kind, m.Params, size, here, license, note)
	}
	return w.Flush()
}
