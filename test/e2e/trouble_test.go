package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestDeadRemoteArm: a remote arm that nobody answers for is told of and leaves the verdict
// as it is; when it is back, the same command asks it, and nobody else.
func TestDeadRemoteArm(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes the half minute after which an endpoint is given up")
	}
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	adapter := p.trained(t, rows, gold)
	address := freeAddress(t)
	task := evalTask(t, rows, gold, adapter, "forgetting: false\nremotes: [{name: large, kind: openai, url: 'http://"+address+"/v1', model: large}]\n")
	data := t.TempDir()
	p.reset()
	status, stdout, stderr := p.run(t, data, "eval", task)
	if status != 0 || !strings.Contains(stdout, "large did not answer 100 of 100 cases") || !strings.Contains(stdout, "run the same command again") {
		t.Fatalf("status %d\n%s%s", status, stdout, stderr)
	}
	before := p.answered

	large := plantedAnswers()
	large.arms(40, 99)
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("somebody took the address meanwhile: %v", err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(large.chat)}}
	s.Start()
	defer s.Close()
	status, stdout, stderr = p.run(t, data, "eval", task)
	if status != 0 || strings.Contains(stdout, "did not answer") || p.answered != before || large.answered != 100 {
		t.Errorf("back again: status %d, %d more questions to the others, %d to it\n%s%s", status, p.answered-before, large.answered, stdout, stderr)
	}
	if twice := append(p.askedTwice(), large.askedTwice()...); len(twice) > 0 {
		t.Errorf("asked twice: %s", strings.Join(twice, "\n"))
	}
}

// TestDeadBaseServer: without the server of base and adapter there is an error that says
// so, and the same command goes on once it is back.
func TestDeadBaseServer(t *testing.T) {
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	adapter := p.trained(t, rows, gold)
	task := evalTask(t, rows, gold, adapter, "forgetting: false\n")
	data := t.TempDir()
	c := p.command(data, "eval", task)
	for i, arg := range c.Args {
		if arg == p.url {
			c.Args[i] = "http://" + freeAddress(t)
		}
	}
	if status, _, stderr := ran(t, c); status != 1 || !strings.Contains(stderr, "connection refused") {
		t.Errorf("status %d, %s", status, stderr)
	}
	if status, _, stderr := p.run(t, data, "eval", task); status != 0 {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// TestStormOf429: an endpoint that refuses for four seconds, again and again, is left alone
// for so long, and the run ends as it would have without.
func TestStormOf429(t *testing.T) {
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	adapter := p.trained(t, rows, gold)
	const windows, pause = 2, 4 * time.Second
	var begun int
	var until time.Time
	p.mu.Lock()
	p.limit = func(answered int) time.Duration { // after each hundred answers none for a while
		now := time.Now()
		if begun < windows && answered >= 100*begun {
			begun, until = begun+1, now.Add(pause)
		}
		if now.Before(until) {
			return until.Sub(now)
		}
		return 0
	}
	p.mu.Unlock()
	p.reset()
	data := t.TempDir()
	status, stdout, stderr := p.run(t, data, "eval", evalTask(t, rows, gold, adapter, "forgetting: false\n"))
	if status != 0 || strings.Contains(stdout, "did not answer") {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Each of the four hands is refused once at most; without regard to Retry-After they
	// would have been four times.
	if begun != windows || p.refused < windows || p.refused > windows*4 {
		t.Errorf("%d refusals in %d of %d windows", p.refused, begun, windows)
	}
	for key, n := range p.asked {
		if n != 1 {
			t.Errorf("asked %d times: %.100s", n, key)
		}
	}
}

// TestStormThatLasts: an endpoint that wants to be asked again in an hour ends the run at
// once, and says when to go on.
func TestStormThatLasts(t *testing.T) {
	p := newPlanted(t)
	rows, gold := parityFiles(t)
	adapter := p.trained(t, rows, gold)
	task := evalTask(t, rows, gold, adapter, "forgetting: false\n")
	p.mu.Lock()
	p.limit = func(answered int) time.Duration {
		if answered >= 50 {
			return time.Hour
		}
		return 0
	}
	p.mu.Unlock()
	p.reset()
	data := t.TempDir()
	status, _, stderr := p.run(t, data, "eval", task)
	if status != 1 || !strings.Contains(stderr, "asked again in 1h0m0s: run the same command then") {
		t.Fatalf("status %d, %s", status, stderr)
	}
	p.mu.Lock()
	p.limit = nil
	p.mu.Unlock()
	if status, _, stderr := p.run(t, data, "eval", task); status != 0 {
		t.Errorf("status %d, %s", status, stderr)
	}
	if twice := p.askedTwice(); len(twice) > 0 {
		t.Errorf("asked twice: %s", fmt.Sprint(twice))
	}
}
