package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"graft/internal/hub"
)

var pullEvents = []hub.Event{
	{Kind: hub.EventLicense, Model: "m", Source: "Terms apply."},
	{Kind: hub.EventSource, Model: "m", Source: "first"},
	{Kind: hub.EventFailed, Model: "m", Source: "first", Err: errors.New("closed")},
	{Kind: hub.EventSource, Model: "m", Source: "second"},
	{Kind: hub.EventProgress, Model: "m", File: "f", Done: 0, Total: 10_000_000},
	{Kind: hub.EventProgress, Model: "m", File: "f", Done: 1_000_000, Total: 10_000_000},
	{Kind: hub.EventProgress, Model: "m", File: "f", Done: 10_000_000, Total: 10_000_000},
	{Kind: hub.EventDone, Model: "m", Source: "second", Done: 10_000_000},
}

// TestPlainProgress: without a terminal there is a line now and then, and
// nothing of a source that was given up.
func TestPlainProgress(t *testing.T) {
	var out bytes.Buffer
	p := (&env{err: &out}).newProgress(false)
	for _, e := range pullEvents {
		p.event(e)
	}
	p.close()
	want := `Terms apply.
fetching m from first
fetching m from second
  f 0 B of 10.0 MB (0%)
  f 10.0 MB of 10.0 MB (100%)
m is complete: 10.0 MB, sha256 verified
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}

func TestQuietProgress(t *testing.T) {
	var out bytes.Buffer
	p := (&env{err: &out, quiet: true}).newProgress(false)
	for _, e := range pullEvents {
		p.event(e)
	}
	if p.close(); out.Len() > 0 {
		t.Errorf("%s", out.String())
	}
}

func TestJSONProgress(t *testing.T) {
	var out, stderr bytes.Buffer
	p := (&env{out: &out, err: &stderr}).newProgress(true)
	for _, e := range pullEvents {
		p.event(e)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 7 || lines[2] != `{"event":"failed","model":"m","source":"first","error":"closed"}` || stderr.Len() > 0 {
		t.Errorf("%q %q", lines, stderr.String())
	}
}

func TestProgressLine(t *testing.T) {
	start := time.Now()
	p := &progress{first: 2_000_000, start: start}
	got := p.line(hub.Event{File: "f", Done: 12_000_000, Total: 98_362_432}, start.Add(2*time.Second))
	if want := "  f 12.0 MB of 98.4 MB (12%), 5.0 MB/s, 17s left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	got = p.line(hub.Event{File: "f", Done: 12_000_000}, start.Add(2*time.Second))
	if want := "  f 12.0 MB, 5.0 MB/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
