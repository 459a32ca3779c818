package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"graft/evalharness"
	"graft/evalharness/rating"
	"graft/evalharness/report"
	"graft/internal/app"
)

// rateFlags are those of graft rate.
type rateFlags struct {
	adapterFlags
	invite                            []string
	raters                            int
	arms, public                      string
	lock, partial, references, forget bool
}

func (e *env) rate() *cobra.Command {
	var f rateFlags
	c := &cobra.Command{
		Use:   "rate RUN_DIR|result.json|ID",
		Short: "Let people compare two arms' answers blindly, in the browser",
		Long: `Let people compare the answers of two arms of a run without knowing which is which. The
first call makes a link for each rater: whoever has it can rate, in the browser, on a
phone too, and come back later. Further calls show how far they are; --invite makes one
more link, or a new one for somebody who has lost theirs. Nobody sees a count before
--lock, which ends the voting, reveals the arms and lets the panel into the run's
verdict: only if the raters agree (Krippendorff's alpha of at least 0.4), and then a
panel that is significantly against the adapter stands in the way of a clear win. Other
pairs of arms (--arms) are rounds of their own beside it; the verdict is not theirs.

Links work while a server runs with the same data folder (graft serve).`,
		Example: `  graft rate runs/support                          # two links, then the state
  graft rate runs/support --invite Ada --invite Ben
  graft rate runs/support --public https://rate.example.org
  graft rate runs/support --arms adapter,zero_shot # another pair, with links of its own
  graft rate runs/support --lock                   # and the verdict`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return e.runRate(c.Context(), &f, args[0]) },
	}
	p := c.Flags()
	p.StringVar(&f.url, "url", "", "use the server at this `URL` (also GRAFT_URL)")
	p.StringVar(&f.key, "key", "", "admin's API `KEY` for it (also GRAFT_API_KEY, OPENAI_API_KEY)")
	p.BoolVar(&f.json, "json", false, "print JSON")
	p.StringArrayVar(&f.invite, "invite", nil, "make a link for this `NAME` (repeatable); a name that has one gets a new one")
	p.IntVar(&f.raters, "raters", 2, "without --invite: so many links at the first call")
	p.StringVar(&f.arms, "arms", "", "compare the arms `A,B` (default: those that the verdict compares)")
	p.StringVar(&f.public, "public", "", "`URL` that raters reach the server at, for the links")
	p.BoolVar(&f.references, "references", false, "show the raters what counts as right")
	p.BoolVar(&f.lock, "lock", false, "end the voting, and reveal")
	p.BoolVar(&f.partial, "partial", false, "with --lock: although raters are not done")
	p.BoolVar(&f.forget, "delete", false, "forget the rating and all its votes")
	return c
}

// rated is what graft rate prints with --json.
type rated struct {
	rating.State
	Links []link `json:"links,omitempty"`
}

type link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

const ratingsPath = "/v1/ratings"

func (e *env) runRate(ctx context.Context, f *rateFlags, run string) error {
	conf, err := e.load(nil)
	if err != nil {
		return err
	}
	result, round, err := readRound(f, run)
	if err != nil {
		return err
	}
	_, running := app.Running(conf.DataDir)
	running = running || f.url != "" || os.Getenv("GRAFT_URL") != ""
	return e.withServer(ctx, &f.adapterFlags, conf, false, func(cl *client) error {
		path := ratingsPath + "/" + url.PathEscape(round.ID)
		if f.forget {
			return cl.call(ctx, http.MethodDelete, path, nil, nil)
		}
		var out rated
		err := cl.call(ctx, http.MethodGet, path, nil, &out.State)
		if r := (*refused)(nil); errors.As(err, &r) && r.status == http.StatusNotFound && result != nil {
			err = cl.call(ctx, http.MethodPost, ratingsPath, round, &out.State)
		}
		if err != nil {
			return err
		}
		if len(out.Raters) == 0 && len(f.invite) == 0 && !f.lock {
			for i := range f.raters {
				f.invite = append(f.invite, fmt.Sprintf("rater %d", i+1))
			}
		}
		base := cl.url
		if !running {
			base = "http://" + conf.Listen
		}
		for _, name := range f.invite {
			var made struct{ Path string }
			if err := cl.call(ctx, http.MethodPost, path+"/raters", map[string]string{"name": name}, &made); err != nil {
				return err
			}
			out.Links = append(out.Links, link{name, strings.TrimRight(cmp.Or(f.public, base), "/") + made.Path})
		}
		if f.lock {
			err = cl.call(ctx, http.MethodPost, path+"/lock", map[string]bool{"partial": f.partial}, &out.State)
		} else if len(f.invite) > 0 {
			err = cl.call(ctx, http.MethodGet, path, nil, &out.State)
		}
		if err != nil {
			return err
		}
		if out.Panel != nil && result != nil {
			if err := savePanel(run, result, *out.Panel); err != nil {
				return err
			}
			if err := cl.reconsider(ctx, result, out.Panel); err != nil {
				return err
			}
		}
		if f.json {
			return e.printJSON(out)
		}
		e.printRating(&out, result, running)
		return nil
	})
}

// readRound reads a run and makes the round of it; an id alone stands for a round that
// is there.
func readRound(f *rateFlags, run string) (*evalharness.Result, *rating.Round, error) {
	if _, err := os.Stat(run); err != nil && filepath.Base(run) == run && filepath.Ext(run) == "" {
		return nil, &rating.Round{ID: run}, nil
	}
	result, err := readRun(run)
	if err != nil {
		return nil, nil, err
	}
	var a, b string
	if f.arms != "" {
		var ok bool
		if a, b, ok = strings.Cut(f.arms, ","); !ok {
			return nil, nil, fmt.Errorf("--arms %s: name two arms, with a comma between them", f.arms)
		}
	}
	round, err := rating.FromResult(result, a, b, f.references)
	return result, round, err
}

// savePanel lets the panel into the run's result, and into its page where it has one.
func savePanel(run string, r *evalharness.Result, p evalharness.Panel) error {
	if info, err := os.Stat(run); err == nil && info.IsDir() {
		run = filepath.Join(run, "result.json")
	}
	r.AddPanel(p)
	page := filepath.Join(filepath.Dir(run), "report.html")
	for path, format := range map[string]string{run: "json", page: "html"} {
		if _, err := os.Stat(path); err != nil {
			continue // no page was made
		}
		var b bytes.Buffer
		if err := report.Write(&b, r, format); err != nil {
			return err
		}
		if err := replaceFile(path, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// printRating prints links and state, or what the panel says.
func (e *env) printRating(r *rated, result *evalharness.Result, running bool) {
	for _, l := range r.Links {
		fmt.Fprintf(e.out, "%s\t%s\n", l.Name, l.URL)
	}
	if e.quiet {
		return
	}
	if len(r.Links) > 0 {
		fmt.Fprintln(e.err, "These links are shown once; whoever has one can rate under that name.")
		if !running {
			fmt.Fprintln(e.err, "No server runs: start one with graft serve, so that they work.")
		}
	}
	if r.Locked == nil {
		fmt.Fprintf(e.err, "%s: %d pairs to rate, %d more are identical\n", r.ID, r.Pairs, r.Identical)
		for _, p := range r.Raters {
			fmt.Fprintf(e.err, "  %-20s %d of %d\n", p.Name, p.Votes, p.Of)
		}
		return
	}
	p := r.Panel
	fmt.Fprintf(e.out, "%s against %s: net %+.1f points [%+.1f, %+.1f] on %d cases: %d won, %d lost, %d tied\n",
		p.A, p.B, 100*p.Net, 100*p.Low95, 100*p.High95, p.Cases, p.Wins, p.Losses, p.Ties)
	for _, a := range p.Agreement {
		fmt.Fprintf(e.out, "  agreement, %s: %.2f [%.2f, %.2f]\n", a.Name, a.Value, a.Low, a.High)
	}
	for _, who := range p.Raters {
		fmt.Fprintf(e.out, "  %s: %d votes, %d left and %d right (p %.2f), %d of %d repeats the same\n", who.Name, who.Votes, who.Left, who.Right, who.LeftP, who.Consistent, who.Repeats)
	}
	fmt.Fprintln(e.out, p.Reason)
	if result == nil || result.Verdict() == nil {
		return
	}
	if c := result.Registered(); c.A != p.A || c.B != p.B {
		fmt.Fprintln(e.out, "These are not the arms that the verdict is about: it stays as it is.")
	}
	fmt.Fprintf(e.out, "verdict: %s\n", result.Verdict().Outcome)
}
