package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/hub"
	"graft/internal/hub/hubtest"
)

// said is the greedy answer of a model, and the adapter that the response names.
func said(t *testing.T, a *App, model string) (text, adapter string) {
	t.Helper()
	body := fmt.Sprintf(`{"model":%q,"temperature":0,"max_tokens":12,"messages":[{"role":"user","content":"Name three colours."}]}`, model)
	resp, err := http.Post(a.URL()+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		return fmt.Sprint(resp.StatusCode), ""
	}
	var got struct {
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.Unmarshal(data, &got); err != nil || len(got.Choices) != 1 {
		t.Fatalf("%v %s", err, data)
	}
	return got.Choices[0].Message.Content, resp.Header.Get("x-graft-adapter")
}

// TestAdapters registers adapters in a server that runs and asks for them by name;
// after a restart they answer the same.
func TestAdapters(t *testing.T) {
	ctx := context.Background()
	c := testConfig(t)
	c.Models = []string{"base=" + hubtest.Model(t, hub.Default)}
	c.Adapters.Roots = []string{t.TempDir()}
	a, stop := startWith(t, c)
	m, _, release, err := a.bases.backend.WithModel(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	random := func(seed uint64, scale float64) *adapters.Adapter {
		return adapterstest.Random(t, m, 8, []string{"q_proj", "v_proj", "o_proj"}, seed, scale)
	}
	folder := filepath.Join(c.Adapters.Roots[0], "one")
	if err := adapters.WritePEFT(folder, random(1, 0.5)); err != nil {
		t.Fatal(err)
	}
	one, err := a.adapters.Add(ctx, adapters.AddRequest{Name: "one", Path: folder})
	if err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]*adapters.Adapter{"two": random(2, 0.5), "nothing": random(3, 0)} {
		if _, err := a.adapters.Add(ctx, adapters.AddRequest{Name: name, Adapter: x}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.adapters.Add(ctx, adapters.AddRequest{Name: "base", Adapter: random(4, 1)}); !errors.Is(err, adapters.ErrName) {
		t.Errorf("the name of a model: %v", err)
	}
	release()
	plain, _ := said(t, a, "base")
	first, by := said(t, a, "one")
	if first == plain || !strings.Contains(by, one.Generation) {
		t.Errorf("with the adapter %q, by %q; without %q", first, by, plain)
	}
	if two, _ := said(t, a, "two"); two == first || two == plain {
		t.Errorf("another adapter says the same: %q", two)
	}
	if same, _ := said(t, a, "nothing"); same != plain {
		t.Errorf("an adapter that changes nothing says %q, the base %q", same, plain)
	}
	for _, name := range []string{"base:one", "one@" + one.Generation, "one@" + one.Generation[7:17]} {
		if text, _ := said(t, a, name); text != first {
			t.Errorf("%s says %q, want %q", name, text, first)
		}
	}
	if _, err := a.adapters.Promote(ctx, "one", adapters.Change{From: "two"}); err != nil {
		t.Fatal(err)
	}
	if text, by := said(t, a, "one"); text == first || strings.Contains(by, one.Generation) {
		t.Errorf("after the swap %q by %q", text, by)
	}
	if _, err := a.adapters.Configure(ctx, "two", &adapters.Settings{Pinned: true}, nil, adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	stop()

	a, _ = startWith(t, c)
	if _, err := a.adapters.Rollback(ctx, "one", adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	if text, by := said(t, a, "one"); text != first || !strings.Contains(by, one.Generation) {
		t.Errorf("after a restart %q by %q, want %q", text, by, first)
	}
	said(t, a, "two")
	for _, r := range a.bases.backend.Residents() {
		if r.Pinned != (r.Generation != one.Generation) || r.Leases != 0 || r.Model != "base" {
			t.Errorf("%+v", r)
		}
	}
	if n := len(a.bases.backend.Residents()); n != 2 {
		t.Errorf("%d adapters are in memory", n)
	}
	if err := a.adapters.Delete(ctx, "one", adapters.Change{}); err != nil {
		t.Fatal(err)
	}
	if text, _ := said(t, a, "one"); text != "404" {
		t.Errorf("deleted, and answers %s", text)
	}
}

// TestFetchAdapter: why an adapter cannot be fetched is said in the registry's
// errors, which clients get a status for.
func TestFetchAdapter(t *testing.T) {
	c := testConfig(t)
	c.Hub.Offline = true
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for repo, want := range map[string]error{"o/m": adapters.ErrForbidden, "no repository": adapters.ErrNoPath} {
		if _, err := a.fetchAdapter(context.Background(), repo, "", t.TempDir(), 1<<20); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", repo, err, want)
		}
	}
	c.Hub.Offline, c.Hub.HFEndpoint = false, "http://127.0.0.1:1"
	c.DataDir = t.TempDir()
	b, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.fetchAdapter(context.Background(), "o/m", "", t.TempDir(), 1<<20); !errors.Is(err, adapters.ErrSource) {
		t.Errorf("no server there: %v", err)
	}
}
