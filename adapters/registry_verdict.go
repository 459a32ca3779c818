package adapters

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"graft/internal/store"
)

// ClearWin is the outcome that a promotion can demand, as evaluations call it.
const ClearWin = "CLEAR WIN"

// Verdict is what an evaluation has shown of a generation, compared with its base's
// best prompt.
type Verdict struct {
	Run     string    `json:"run"`  // id of the evaluation
	Task    string    `json:"task"` // its name
	Base    string    `json:"base"` // id of the model
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason"`
	Metric  string    `json:"metric"`
	Diff    float64   `json:"diff"` // the adapter's value less the other's
	Low95   float64   `json:"low95"`
	High95  float64   `json:"high95"`
	Margin  float64   `json:"margin"`
	Cases   int       `json:"cases"`
	Gold    string    `json:"gold"` // SHA-256 of the file of cases, hex
	Created time.Time `json:"created"`
	By      string    `json:"by,omitempty"` // id of an API key
}

// Record notes a verdict about a generation that a name has, in the place of an earlier
// one of the same run. Errors: ErrNotFound, ErrInvalid for a verdict on another base.
func (r *Registry) Record(ctx context.Context, name, generation string, v Verdict) (Verdict, error) {
	v.Created = r.Now()
	err := r.Store.ChangeAdapters(ctx, func(tx store.AdaptersTx) error {
		at, err := version(ctx, tx.Adapters, name, generation)
		if err != nil {
			return err
		}
		if at.Base != v.Base {
			return fmt.Errorf("%w: it is served on %s, and was evaluated on %s", ErrInvalid, at.Base, v.Base)
		}
		if err := tx.PutVerdict(ctx, store.AdapterVerdict{
			Generation: at.Generation, Run: v.Run, Task: v.Task, Base: v.Base, Outcome: v.Outcome, Created: v.Created, Author: v.By, Body: text(v),
		}); err != nil {
			return err
		}
		return tx.AddEvent(ctx, name, store.AdapterEvent{Time: v.Created, Action: "verdict", Generation: at.Generation, Author: v.By, Note: v.Outcome + " in " + v.Run})
	})
	if err != nil {
		return v, fmt.Errorf("adapter %q: %w", name, err)
	}
	return v, nil
}

// Verdicts lists what evaluations have shown of a generation, the latest first.
func (r *Registry) Verdicts(ctx context.Context, generation string) ([]Verdict, error) {
	return verdicts(ctx, r.Store.Adapters(), generation)
}

func verdicts(ctx context.Context, tables store.Adapters, generation string) ([]Verdict, error) {
	rows, err := tables.Verdicts(ctx, generation)
	if err != nil {
		return nil, err
	}
	list := make([]Verdict, len(rows))
	for i, row := range rows {
		if err := json.Unmarshal([]byte(row.Body), &list[i]); err != nil {
			return nil, fmt.Errorf("verdict %s on %s: what is stored of it: %w", row.Run, generation, err)
		}
	}
	return list, nil
}

// Demands tells whether an entry is given generations only after a clear win.
func (r *Registry) Demands(s Settings) bool {
	if s.RequireVerdict != nil {
		return *s.RequireVerdict
	}
	return r.RequireVerdict
}

// demands is what the settings of a name say; nil: nothing.
func demands(n store.AdapterName) (*bool, error) {
	if n.Settings == "" {
		return nil, nil
	}
	var s Settings
	err := json.Unmarshal([]byte(n.Settings), &s)
	return s.RequireVerdict, err
}

// allow tells whether a name may be given a version, and what the history says of it.
func (r *Registry) allow(ctx context.Context, tables store.Adapters, n store.AdapterName, v store.AdapterVersion, c Change, action string) (note string, err error) {
	if n.Generation == v.Generation {
		return "", nil
	}
	if action == "rollback" {
		had, err := stood(ctx, tables, n.Name, v.Generation)
		if had || err != nil {
			return "", err
		}
	}
	own, err := demands(n)
	if err != nil {
		return "", err
	}
	demanded := r.Demands(Settings{RequireVerdict: own})
	if !demanded && c.Run == "" && !c.Force {
		return "", nil
	}
	list, err := verdicts(ctx, tables, v.Generation)
	if err != nil {
		return "", err
	}
	run, lack := proof(list, v.Base, c.Run)
	switch {
	case lack == "":
		return "rests on " + run, nil
	case c.Force:
		return "forced: " + lack, nil
	}
	ask := fmt.Sprintf("%s@%.12s", cmp.Or(v.Name, n.Name), v.Generation[len(digestPrefix):])
	return "", fmt.Errorf("%w: generation %.19s on %s: %s. Run `graft eval TASK.yaml` with `adapter: %s` (or `graft prove`) against this server, then promote it; add it staged until then. An admin can promote it all the same with force",
		ErrUnproven, v.Generation, v.Base, lack, ask)
}

// stood tells whether a name ever stood for a generation, as far as its history goes.
func stood(ctx context.Context, tables store.Adapters, name, generation string) (bool, error) {
	events, err := tables.Events(ctx, name)
	return slices.ContainsFunc(events, func(e store.AdapterEvent) bool {
		return e.Generation == generation && slices.Contains([]string{"add", "replace", "promote"}, e.Action)
	}), err
}

// proof finds the evaluation on a base that shows a clear win: the one that is named, or
// any. Of several on the same task the latest counts. lack says why there is none.
func proof(list []Verdict, base, run string) (id, lack string) {
	seen := map[string]bool{}
	for _, v := range list {
		if v.Base != base || run != "" && v.Run != run {
			continue
		}
		if seen[v.Task] {
			continue
		}
		seen[v.Task] = true
		if v.Outcome == ClearWin {
			return v.Run, ""
		}
		if lack != "" {
			lack += "; "
		}
		lack += fmt.Sprintf("%s ended with %s (%s)", v.Task, v.Outcome, v.Run)
	}
	switch {
	case lack != "":
		return "", lack
	case run != "":
		return "", fmt.Sprintf("no evaluation %s of it is recorded", run)
	}
	return "", "it was not evaluated"
}
