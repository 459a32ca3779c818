package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"graft/adapters"
	"graft/internal/app"
	"graft/internal/config"
)

// adapterFlags are those that all commands for adapters have.
type adapterFlags struct {
	url, key string
	json     bool
}

func (e *env) adapters() *cobra.Command {
	var f adapterFlags
	c := &cobra.Command{
		Use:   "adapters",
		Short: "Add, change, mix, merge and compare adapters",
		Long: `Add, change, mix, merge and compare adapters (LoRA). A name stands for a
generation, the digest of what the adapter computes; giving the name another
generation takes effect with the next request. Where a server runs with the same
data folder, or --url names one, it is told; otherwise the data folder is changed
itself.`,
		Example: `  graft adapters add support ./checkpoints/support
  graft adapters list
  graft adapters diff support --against base
  graft adapters merge support --out support.gguf`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	p := c.PersistentFlags()
	p.StringVar(&f.url, "url", "", "use the server at this `URL` (also GRAFT_URL)")
	p.StringVar(&f.key, "key", "", "API `KEY` for it, an admin's to change anything (also GRAFT_API_KEY, OPENAI_API_KEY)")
	p.BoolVar(&f.json, "json", false, "print JSON")
	c.AddCommand(e.listAdapters(&f), e.showAdapter(&f), e.adapterHistory(&f), e.addAdapter(&f), e.removeAdapter(&f),
		e.promoteAdapter(&f), e.rollbackAdapter(&f), e.setAdapter(&f), e.exportAdapter(&f), e.mergeAdapter(&f), e.mixAdapters(&f), e.diffAdapter(&f))
	return c
}

// withServer finds the server that has the data folder, or starts one for this
// command alone: without models unless a base is needed.
func (e *env) withServer(ctx context.Context, f *adapterFlags, conf config.Config, base bool, do func(*client) error) error {
	var options []app.Option
	if !base {
		options = append(options, app.WithoutModels())
	}
	cl, end, err := e.connect(ctx, chatFlags{url: f.url, key: f.key}, conf, options...)
	if err != nil {
		return err
	}
	defer end()
	return do(cl)
}

// ask is a command that needs no base and one answer.
func (e *env) ask(ctx context.Context, f *adapterFlags, method, path string, in, out any) error {
	conf, err := e.load(nil)
	if err != nil {
		return err
	}
	return e.withServer(ctx, f, conf, false, func(cl *client) error { return cl.call(ctx, method, path, in, out) })
}

// call sends JSON and decodes the answer. in nil: no body; out nil: the answer does
// not matter.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	return decodeAnswer(resp, out)
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

func decodeAnswer(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("answer of %s: %w", resp.Request.URL, err)
	}
	return nil
}

// adapterPath is where a server has an adapter.
func adapterPath(name, action string) string {
	path := "/v1/lora_adapters/" + url.PathEscape(name)
	if action != "" {
		path += "/" + action
	}
	return path
}

// adapterInfo is an adapter as servers describe it.
type adapterInfo struct {
	ID         string             `json:"id"`
	Generation string             `json:"generation"`
	Staged     string             `json:"staged,omitempty"`
	Base       string             `json:"base"`
	State      string             `json:"state"`
	Shadow     bool               `json:"shadow,omitempty"`
	Rank       int                `json:"rank"`
	Bytes      int64              `json:"bytes"`
	Source     string             `json:"source,omitempty"`
	Created    int64              `json:"created"`
	Updated    int64              `json:"updated"`
	Owner      string             `json:"owner,omitempty"`
	Notes      string             `json:"notes,omitempty"`
	Settings   *adapters.Settings `json:"settings,omitempty"`
	Lineage    *adapters.Lineage  `json:"lineage,omitempty"`
	Report     *adapters.Report   `json:"report,omitempty"`
	Verdicts   []adapters.Verdict `json:"verdicts,omitempty"`

	NeedsVerdict bool `json:"needs_verdict,omitempty"`
}

// printJSON prints v with < and > as they are.
func (e *env) printJSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := e.out.Write(b.Bytes())
	return err
}

// shortGeneration is enough of a digest to tell it from others.
func shortGeneration(g string) string {
	const digits = len("sha256:") + 12
	if len(g) > digits {
		return g[len("sha256:"):digits]
	}
	return g
}

// done tells people what became of a name.
func (e *env) done(f *adapterFlags, verb string, a adapterInfo) error {
	if f.json {
		return e.printJSON(a)
	}
	if !e.quiet {
		fmt.Fprintf(e.err, "%s %s: it stands for generation %s\n", verb, a.ID, shortGeneration(a.Generation))
	}
	_, err := fmt.Fprintf(e.out, "%s@%s\n", a.ID, a.Generation)
	return err
}
