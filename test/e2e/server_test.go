// Package e2e drives the graft program as its users do: the built binary, a real
// model, and the clients that people already have. (The program is built anew at each
// start, which go test does not know of: say -count=1.)
//
//	GRAFT_E2E_PYTHON  a Python that has the packages openai and ollama
//	GRAFT_E2E_NODE    a folder whose node_modules holds the package openai
//	GRAFT_E2E_RACE=1  build the program with the race detector
//	GRAFT_TEST_LM_EVAL  a Python that has lm_eval[api], as docs/testing.md says
//	GRAFT_E2E_PROVE=1  also prove something with the real model: a minute and more
//	GRAFT_E2E_SOAK    how long the load test lasts (default 15s)
package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"graft/internal/hub/hubtest"
)

const (
	chatModel      = "smollm2-135m-instruct"
	embeddingModel = "all-minilm-l6-v2"
)

// server is a running graft.
type server struct {
	url string
	cmd *exec.Cmd
	log *os.File
}

var program string // the binary, built once

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "graft-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "graft")
	args := []string{"build", "-o", program}
	if os.Getenv("GRAFT_E2E_RACE") == "1" {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "graft")...)
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// start runs graft on a free port until the test ends. Its state is in a folder
// of the test's own; the models are those that hubtest pulled.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	return startGraft(t, dataDir(t), append([]string{"--model", chatModel, "--model", embeddingModel}, args...)...)
}

// startGraft runs graft on a free port, with a data folder, until the test ends.
func startGraft(t *testing.T, data string, args ...string) *server {
	t.Helper()
	s := &server{url: "http://" + freeAddress(t)}
	var err error
	if s.log, err = os.Create(filepath.Join(t.TempDir(), "serve.log")); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(program, append([]string{"serve", "--listen", s.url[len("http://"):], "--data-dir", data}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- s.cmd.Wait() }()
	t.Cleanup(func() {
		s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-exited:
			if err != nil && !t.Failed() {
				t.Errorf("graft did not stop cleanly: %v\n%s", err, s.output())
			}
		case <-time.After(30 * time.Second):
			s.cmd.Process.Kill()
			t.Errorf("graft did not stop within 30 s of SIGTERM\n%s", s.output())
		}
		if t.Failed() {
			t.Logf("the server wrote:\n%s", s.output())
		}
	})
	deadline := time.Now().Add(60 * time.Second)
	for {
		resp, err := http.Get(s.url + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s
			}
		}
		select {
		case err := <-exited:
			exited <- err
			t.Fatalf("graft ended before it was ready: %v\n%s", err, s.output())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("graft was not ready after 60 s\n%s", s.output())
		}
	}
}

// dataDir is an empty data folder but for links to the models.
func dataDir(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "models"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{chatModel, embeddingModel} {
		folder := hubtest.Model(t, id)
		for filepath.Base(folder) != id {
			if folder == filepath.Dir(folder) {
				t.Fatalf("the model %s is not in a folder of its name", id)
			}
			folder = filepath.Dir(folder)
		}
		if err := os.Symlink(folder, filepath.Join(data, "models", id)); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func (s *server) output() string {
	data, _ := os.ReadFile(s.log.Name())
	return string(data)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get returns the body of a GET.
func (s *server) get(t *testing.T, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %v\n%s", path, resp.Status, err, body)
	}
	return string(body)
}
