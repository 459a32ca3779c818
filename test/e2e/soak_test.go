package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSoak keeps 64 streams open, a third of which leave in the middle, and
// then looks for what they left behind.
func TestSoak(t *testing.T) {
	length := 15 * time.Second
	if v := os.Getenv("GRAFT_E2E_SOAK"); v != "" {
		var err error
		if length, err = time.ParseDuration(v); err != nil {
			t.Fatal(err)
		}
	}
	// A cache that the load fills at once: what grows afterwards is a leak, and
	// streams are preempted as well.
	s := start(t, "--set", "engine.kv_memory=64MiB")
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	client := &http.Client{Transport: transport}
	load := func(d time.Duration) (whole, left, refused int64) {
		var done, gone, full atomic.Int64
		end := time.Now().Add(d)
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), 1))
				for time.Now().Before(end) {
					switch outcome, err := stream(client, s.url, rng); {
					case err != nil:
						t.Errorf("stream %d: %v", i, err)
						return
					case outcome == http.StatusTooManyRequests:
						full.Add(1)
						time.Sleep(50 * time.Millisecond)
					case outcome == 0:
						gone.Add(1)
					default:
						done.Add(1)
					}
				}
			})
		}
		wg.Wait()
		return done.Load(), gone.Load(), full.Load()
	}
	rest := func() map[string]float64 {
		transport.CloseIdleConnections()
		var m map[string]float64
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			if m = metrics(t, s); m["graft_running_requests"] == 0 && m["graft_queue_requests"] == 0 {
				break
			}
		}
		time.Sleep(500 * time.Millisecond) // connections of those who left
		return metrics(t, s)
	}
	load(3 * time.Second) // everything that is made once is made
	before := rest()
	whole, left, refused := load(length)
	after := rest()
	t.Logf("%v: %d streams read to their end, %d left, %d refused; goroutines %v → %v, resident %v → %v MiB", length, whole, left, refused,
		before["go_goroutines"], after["go_goroutines"], int(before["process_resident_memory_bytes"])>>20, int(after["process_resident_memory_bytes"])>>20)
	if whole == 0 || left == 0 {
		t.Errorf("the load was none: %d whole, %d left", whole, left)
	}
	for _, name := range []string{"graft_running_requests", "graft_queue_requests", "graft_kv_blocks_used"} {
		v, ok := after[name]
		if !ok {
			t.Errorf("/metrics has no %s", name)
		}
		if v != 0 {
			t.Errorf("%s is %v when nothing runs", name, v)
		}
	}
	if after["go_goroutines"] > before["go_goroutines"]+5 {
		t.Errorf("goroutines grew from %v to %v", before["go_goroutines"], after["go_goroutines"])
	}
	// The race detector keeps a shadow of all memory that was ever touched: what
	// grows there says nothing about the program.
	if grown := after["process_resident_memory_bytes"] - before["process_resident_memory_bytes"]; grown > 64<<20 && os.Getenv("GRAFT_E2E_RACE") != "1" {
		t.Errorf("resident memory grew by %d MiB", int(grown)>>20)
	}
}

// stream asks for one answer and returns its status, 0 when it left early.
func stream(client *http.Client, url string, rng *rand.Rand) (int, error) {
	body, err := json.Marshal(map[string]any{
		"model": chatModel, "stream": true, "max_tokens": 1 + rng.IntN(24), "temperature": 1, "seed": rng.IntN(1000),
		"messages": []map[string]string{{"role": "user", "content": fmt.Sprintf("Tell me about the number %d.", rng.IntN(50))}},
	})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	leaveAfter := -1
	switch rng.IntN(6) {
	case 0: // before the answer begins
		time.AfterFunc(time.Duration(rng.IntN(200))*time.Millisecond, cancel)
		leaveAfter = 1 << 30
	case 1: // in the middle
		leaveAfter = 1 + rng.IntN(5)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		if leaveAfter >= 0 && ctx.Err() != nil {
			return 0, nil
		}
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTooManyRequests {
		return resp.StatusCode, nil
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %s", resp.Status)
	}
	lines, last := 0, ""
	for scan := bufio.NewScanner(resp.Body); scan.Scan(); {
		line := scan.Text()
		if !strings.HasPrefix(line, "data: ") {
			continue
		}
		if strings.HasPrefix(line, `data: {"error"`) {
			return 0, fmt.Errorf("the stream broke: %s", line)
		}
		last = line
		if lines++; lines == leaveAfter {
			return 0, nil
		}
	}
	if last != "data: [DONE]" {
		if leaveAfter >= 0 {
			return 0, nil
		}
		return 0, fmt.Errorf("the stream ended with %q", last)
	}
	return resp.StatusCode, nil
}

// metrics reads the plain values of /metrics, labels summed.
func metrics(t *testing.T, s *server) map[string]float64 {
	t.Helper()
	m := map[string]float64{}
	for _, line := range strings.Split(s.get(t, "/metrics"), "\n") {
		name, value, ok := strings.Cut(line, " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if i := strings.IndexByte(line, '}'); i >= 0 {
			name, value = line[:strings.IndexByte(line, '{')], strings.TrimSpace(line[i+1:])
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			m[name] += v
		}
	}
	return m
}
