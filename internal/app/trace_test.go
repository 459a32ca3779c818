package app

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// TestTraces: a request's span is with the collector when the App has ended.
func TestTraces(t *testing.T) {
	var mu sync.Mutex
	var spans []byte
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		mu.Lock()
		spans = append(spans, body...)
		mu.Unlock()
	}))
	defer collector.Close()
	c := testConfig(t)
	c.Tracing.OTLPEndpoint = collector.URL
	r := start(t, c)
	if status, body := r.post(t, hello, "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	parent := []byte{0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd}
	for _, want := range [][]byte{[]byte("graft"), parent, []byte("/v1/chat/completions")} {
		if !bytes.Contains(spans, want) {
			t.Errorf("%d bytes of spans do not hold %q", len(spans), want)
		}
	}
}
