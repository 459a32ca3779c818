package hub

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test program be a process that pulls: see TestProcesses.
func TestMain(m *testing.M) {
	endpoint := os.Getenv("GRAFT_TEST_PULL_FROM")
	if endpoint == "" {
		os.Exit(m.Run())
	}
	o := DefaultOptions(os.Getenv("GRAFT_TEST_PULL_TO"))
	o.Endpoint = endpoint
	l, err := New(o).Pull(context.Background(), "o/m:m.gguf", nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(l.Path)
}

// TestProcesses starts processes that pull the same model at once and kills
// the one that downloads in the middle of it. Another takes over where it was,
// and all others end with the right file.
func TestProcesses(t *testing.T) {
	data := random(4 << 20)
	fake := newFakeHub(t, map[string][]byte{"m.gguf": data})
	half := make(chan struct{})
	fake.set(func() {
		fake.first = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("Content-Length", fmt.Sprint(len(data)))
			w.Write(data[:len(data)/2])
			w.(http.Flusher).Flush()
			close(half)
			<-r.Context().Done()
		}
	})

	dir := t.TempDir()
	pull := func() (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "GRAFT_TEST_PULL_FROM="+fake.URL, "GRAFT_TEST_PULL_TO="+dir)
		out := new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd, out
	}
	victim, _ := pull()
	<-half
	var others []*exec.Cmd
	var outs []*bytes.Buffer
	for range 3 {
		cmd, out := pull()
		others, outs = append(others, cmd), append(outs, out)
	}
	time.Sleep(200 * time.Millisecond) // they wait for the lock, and half of the file reaches the disk
	victim.Process.Kill()
	victim.Wait()
	for i, cmd := range others {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, outs[i])
		}
		if got, err := os.ReadFile(outs[i].String()); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%s: %v, %d bytes", outs[i], err, len(got))
		}
	}
	var ranges []string
	for _, r := range fake.asked() {
		if strings.HasSuffix(r.URL.Path, "m.gguf") {
			ranges = append(ranges, r.Header.Get("Range"))
		}
	}
	if len(ranges) != 2 || !strings.HasPrefix(ranges[1], "bytes=") {
		t.Fatalf("the file was asked for with ranges %q, want a second that continues the first", ranges)
	}
}
