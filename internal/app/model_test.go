package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"graft/api"
	"graft/internal/config"
	"graft/internal/hub"
	"graft/internal/hub/hubtest"
	"graft/serving/native"
)

// startReal serves the default model, from a data folder of the test's own.
func startReal(t *testing.T, models ...string) *App {
	t.Helper()
	c := testConfig(t)
	c.Models = models
	a, _ := startWith(t, c)
	return a
}

// startWith serves models of a configuration; stop ends it.
func startWith(t *testing.T, c config.Config) (a *App, stop func()) {
	t.Helper()
	a, err := New(c, Version("test"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-a.Ready():
	case err := <-done:
		done <- nil
		t.Fatalf("Run ended: %v", err)
	}
	return a, stop
}

// TestSeveralModels: the second is listed, loaded by the first request for it,
// and answers under the name it was given.
func TestSeveralModels(t *testing.T) {
	a := startReal(t, "chat="+hubtest.Model(t, hub.Default), "vectors="+hubtest.Model(t, "all-minilm-l6-v2"))
	loaded := func() (list []string) {
		b, err := io.ReadAll(get(t, a.URL()+"/metrics"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if name, ok := strings.CutPrefix(line, `graft_engine_bytes{model="`); ok {
				list = append(list, name[:strings.IndexByte(name, '"')])
			}
		}
		return list
	}
	if l := loaded(); len(l) != 1 || l[0] != "chat" {
		t.Fatalf("loaded at the start: %v", l)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			resp, err := http.Post(a.URL()+"/v1/embeddings", "application/json", strings.NewReader(`{"model":"vectors","input":"hello"}`))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			var got struct {
				Data []struct{ Embedding []float32 }
			}
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || len(got.Data) != 1 || len(got.Data[0].Embedding) != 384 {
				t.Errorf("%d %v, %d vectors", resp.StatusCode, err, len(got.Data))
			}
		})
	}
	wg.Wait()
	if l := loaded(); len(l) != 2 {
		t.Fatalf("loaded after its use: %v", l)
	}
}

func get(t *testing.T, url string) io.Reader {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp.Body
}

func TestModelMistakes(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.gguf")
	os.WriteFile(broken, []byte("GGUF but not really"), 0o644)
	for _, c := range []struct {
		models []string
		want   string
	}{
		{[]string{"./none.gguf"}, "no such file"},
		{[]string{"smolm2-135m-instruct", "x=./none"}, "did you mean smollm2-135m-instruct?"},
		{[]string{"smolm2-135m-instruct", "x=./none"}, "stat ./none"},
		{[]string{broken}, "broken.gguf"},
		{[]string{hub.Default}, "fetching is off"},
		{[]string{broken, "broken=" + broken}, `"broken"`},
	} {
		conf := testConfig(t)
		conf.Models, conf.Hub.Offline = c.models, true
		a, err := New(conf)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Run(context.Background()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.models, err, c.want)
		}
	}
}

// TestDefaults: the configuration agrees with the engine and the API on what
// is usual, but for the time-out, which the API has none of.
func TestDefaults(t *testing.T) {
	c := config.Default()
	c.Memory.Budget = 1
	got, err := nativeOptions(c)
	if err != nil {
		t.Fatal(err)
	}
	want := native.DefaultOptions()
	want.MemoryBudget = 1
	want.Now, got.Now = nil, nil // functions do not compare
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("config %+v\nengine %+v", got, want)
	}
	web, usual := apiOptions(c), api.DefaultOptions()
	web.RequestTimeout, web.CORSOrigins = 0, nil
	web.MaxUpload, usual.MaxUpload = 0, 0 // follows adapters.max_bytes
	if fmt.Sprint(web) != fmt.Sprint(usual) {
		t.Errorf("config %+v\napi    %+v", web, usual)
	}
	if m := machineMemory(); m < 1<<26 {
		t.Errorf("this machine has %d bytes of memory", m)
	}
}

func TestNamedModels(t *testing.T) {
	for spec, want := range map[string][2]string{
		"a=b": {"a", "b"}, "small=./models/x.gguf": {"small", "./models/x.gguf"}, "./a=b.gguf": {"", "./a=b.gguf"},
		"owner/name:f=g.gguf": {"", "owner/name:f=g.gguf"}, "id": {"", "id"}, "x=o/n:f.gguf": {"x", "o/n:f.gguf"},
	} {
		if got := [2]string{nameOf(spec), modelOf(spec)}; got != want {
			t.Errorf("%s: %q", spec, got)
		}
	}
}
