package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"graft/adapters"
	"graft/adapters/adapterstest"
	"graft/internal/hub"
	"graft/internal/hub/hubtest"
	"graft/internal/kernel"
	"graft/internal/model"
)

// desk is a data folder whose default model is the real one, and two adapters of it
// that lie elsewhere.
type desk struct {
	*testing.T
	dir, config, model, one, two string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	if testing.Short() || kernel.Impl() == "generic" {
		t.Skip("a real model is loaded several times")
	}
	d := &desk{T: t, dir: t.TempDir(), model: hubtest.Model(t, hub.Default)}
	m, err := model.Load(d.model, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	attention := []string{"q_proj", "k_proj", "v_proj", "o_proj"}
	d.one = adapterstest.WriteFolder(t, adapterstest.Random(t, m, 8, attention, 7, 0.12))
	d.two = adapterstest.WriteFolder(t, adapterstest.Random(t, m, 8, attention, 8, 0.12))
	d.config = filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(d.config, fmt.Appendf(nil, "models: [%q]\nengine: {kv_memory: 32MiB}\n", d.model), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// run is a command that works.
func (d *desk) run(args ...string) string {
	d.Helper()
	status, stdout, stderr := graft(d.T, d.dir, "", append([]string{"--config", d.config, "adapters"}, args...)...)
	if status != 0 {
		d.Fatalf("%v: %s", args, stderr)
	}
	return stdout
}

// fails is a command that does not, and says why.
func (d *desk) fails(want string, args ...string) {
	d.Helper()
	status, stdout, stderr := graft(d.T, d.dir, "", append([]string{"--config", d.config, "adapters"}, args...)...)
	if status != 1 || !strings.Contains(stderr, want) || stdout != "" {
		d.Errorf("%v: status %d, stdout %q, stderr %q, want %q", args, status, stdout, stderr, want)
	}
}

// wants tells what is missing in an output.
func (d *desk) wants(out string, want ...string) {
	d.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			d.Errorf("no %q in\n%s", w, out)
		}
	}
}

func (d *desk) info(args ...string) (a adapterInfo) {
	d.Helper()
	if err := json.Unmarshal([]byte(d.run(append(args, "--json")...)), &a); err != nil {
		d.Fatal(err)
	}
	return a
}

// TestAdapterCommands lives through the life of a name without a server.
func TestAdapterCommands(t *testing.T) {
	d := newDesk(t)
	if out := d.run("list"); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "NAME ") {
		t.Errorf("empty list: %q", out)
	}
	d.fails("no such file", "add", "one", filepath.Join(t.TempDir(), "none"))
	d.fails("here is no such adapter", "show", "one")
	out := d.run("add", "one", d.one, "--notes", "the first")
	d.wants(out, "120 of 120 changed", "rank 8", "live", "the first", "q_proj", "BY LAYER")
	one := d.info("show", "one")
	if one.ID != "one" || one.Rank != 8 || one.Report.Applied != 120 || len(one.Report.Modules) != 120 {
		t.Errorf("show: %+v", one)
	}
	d.wants(d.run("show", "one", "--modules"), "model.layers.29.self_attn.o_proj", "████")
	d.fails("the name is taken", "add", "one", d.two)
	d.run("add", "one", d.two, "--stage")
	if a := d.info("show", "one"); a.Generation != one.Generation || a.Staged == "" || a.Staged == one.Generation {
		t.Errorf("staged: %+v", a)
	}
	d.wants(d.run("list"), "staged", "the first")
	d.fails("another generation", "promote", "one", "--expect", "00000000")
	two := d.info("promote", "one")
	if two.Generation == one.Generation {
		t.Error("nothing was promoted")
	}
	if a := d.info("rollback", "one"); a.Generation != one.Generation {
		t.Errorf("rolled back to %s", a.Generation)
	}
	d.wants(d.run("history", "one"), "rollback", "promote", "stage", "add")
	d.wants(d.run("set", "one", "temperature=0.25", "stop=a,b", "system=Be brief."), "temperature=0.25", `stop=["a","b"]`, `system="Be brief."`)
	if out := d.run("set", "one", "temperature="); strings.Contains(out, "temperature") {
		t.Errorf("taken away: %s", out)
	}
	d.fails("want SETTING=VALUE", "set", "one", "warmth=1")
	if a := d.info("add", "two", d.two); a.Generation != two.Generation {
		t.Errorf("the same files, generation %s", a.Generation)
	}
	mixed := d.info("mix", "both", "--from", "one=0.5,two=-0.25", "--strategy", "cat")
	if mixed.Rank != 16 || !strings.Contains(mixed.Notes, "mix cat 0.5·one@") {
		t.Errorf("mixed: %+v", mixed)
	}
	d.fails("want NAME=WEIGHT", "mix", "other", "--from", "one")
	d.fails("one of cat", "mix", "other", "--from", "one=1,two=1", "--strategy", "mean")

	folder := filepath.Join(t.TempDir(), "out")
	d.run("export", "one", "--out", folder)
	if a, err := adapters.ReadPEFT(folder, adapters.Limits{}); err != nil || a.Generation != one.Generation {
		t.Errorf("exported: %v", err)
	}
	d.run("export", "two@"+shortGeneration(two.Generation), "-o", folder+".gguf")
	d.run("add", "again", folder+".gguf")
	d.run("export", "two", "--out", folder+"2.gguf", "--base", d.model)
	d.fails("say where it is with --base", "export", "two", "--out", folder+"3.gguf", "--base", "none")
	d.fails("without --url", "export", "one", "--out", folder, "--url", "http://127.0.0.1:1")
	if list := d.run("rm", "two", "again"); list != "" {
		t.Errorf("rm prints %q", list)
	}
	if out := d.run("list"); strings.Contains(out, "again") || !strings.Contains(out, "both") {
		t.Errorf("after rm: %s", out)
	}
}

// TestAdapterMerge: the merged model is written, and said to be near.
func TestAdapterMerge(t *testing.T) {
	d := newDesk(t)
	d.run("add", "one", d.one)
	for _, test := range []struct {
		args []string
		kl   float64 // at most
	}{
		{[]string{"--out", filepath.Join(t.TempDir(), "merged")}, 1e-5},
		{[]string{"--out", filepath.Join(t.TempDir(), "merged.gguf"), "--type", "q8_0"}, 0.01},
	} {
		var out struct {
			Path     string
			Compared adapters.MergeReport
		}
		if err := json.Unmarshal([]byte(d.run(append([]string{"merge", "one", "--json"}, test.args...)...)), &out); err != nil {
			t.Fatal(err)
		}
		r := out.Compared
		if out.Path != test.args[1] || r.Tokens < 200 || !(r.KL >= 0 && r.KL <= test.kl) || r.Top1 < 0.97 {
			t.Errorf("%v: %+v", test.args, out)
		}
		t.Logf("%v: %+v", test.args, r)
	}
	d.fails("not Q8_0", "merge", "one", "--out", filepath.Join(t.TempDir(), "x"), "--type", "q8_0")
}

// TestAdapterDiff: an adapter differs from the base, and not from itself.
func TestAdapterDiff(t *testing.T) {
	d := newDesk(t)
	d.run("add", "one", d.one)
	file := filepath.Join(t.TempDir(), "probes.jsonl")
	if err := os.WriteFile(file, []byte(`{"prompt": "Name a river in France."}`+"\n\n"+`{"messages": [{"role": "user", "content": "Count to five."}]}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	diff := func(args ...string) (r diffReport) {
		out := d.run(append([]string{"diff", "one", "--json", "--max-tokens", "16", "--prompts", file}, args...)...)
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := diff()
	if len(r.Prompts) != 2 || r.Same > 1 || r.KL < 0.005 || r.Top1 > 0.99 || r.Tokens < 8 || r.Prompts[1].Prompt != "Count to five." {
		t.Errorf("%+v", r)
	}
	t.Logf("KL %.3g, top-1 %.2f of %d tokens", r.KL, r.Top1, r.Tokens)
	if r := diff("--against", "one"); r.Same != 2 || r.KL > 1e-9 || r.Top1 != 1 {
		t.Errorf("from itself: %+v", r)
	}
	d.wants(d.run("diff", "one", "--max-tokens", "8", "--prompts", file), "│", "▶", "Name a river in France.", "nats a token")
	d.fails("line 1", "diff", "one", "--prompts", d.config)
}
