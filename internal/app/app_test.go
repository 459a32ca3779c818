package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"graft/internal/config"
	"graft/internal/store"
	"graft/serving"
	"graft/serving/servingtest"
)

// fake is a backend without a model.
type fake struct {
	*servingtest.Fake
	closed bool
	ended  chan struct{} // closed with it
}

func (f *fake) Close(context.Context) { f.closed = true; close(f.ended) }

// Generate ends with ErrDraining when the backend is closed, as backends do.
func (f *fake) Generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-f.ended:
			cancel()
		case <-done:
		}
	}()
	res, err := f.Fake.Generate(ctx, req, emit)
	select {
	case <-f.ended:
		return nil, serving.ErrDraining
	default:
		return res, err
	}
}

func testConfig(t *testing.T) config.Config {
	t.Helper()
	c := config.Default()
	c.Listen, c.DataDir = "127.0.0.1:0", t.TempDir()
	c.Server.ShutdownTimeout = 5 * time.Second
	return c
}

// running is an App with a fake backend that serves.
type running struct {
	*App
	fake    *fake
	console *bytes.Buffer
	stop    func() error // ends Run and returns its error
}

func start(t *testing.T, c config.Config, options ...Option) *running {
	t.Helper()
	r := &running{fake: &fake{Fake: servingtest.NewFake(), ended: make(chan struct{})}, console: new(bytes.Buffer)}
	a, err := New(c, append([]Option{Console(r.console), Version("test")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	a.open = func(context.Context) (backend, error) { return r.fake, nil }
	r.App = a
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { r.stop() })
	select {
	case <-a.Ready():
	case err := <-done:
		t.Fatalf("Run ended: %v", err)
	}
	return r
}

func (r *running) post(t *testing.T, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest("POST", r.URL()+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

const hello = `{"model":"fake","messages":[{"role":"user","content":"hello"}]}`

func TestServe(t *testing.T) {
	r := start(t, testConfig(t))
	if status, body := r.post(t, hello); status != 200 || !strings.Contains(body, `"hello"`) {
		t.Fatalf("%d %s", status, body)
	}
	if i, ok := Running(r.cfg.DataDir); !ok || i.PID != os.Getpid() || i.URL != r.URL() {
		t.Fatalf("noted %+v %v", i, ok)
	}
	said := r.console.String()
	for _, want := range []string{"serves fake on " + r.URL(), "Q4_1", "up to 650.0 kB of memory", r.cfg.DataDir, "curl " + r.URL() + "/v1/chat/completions"} {
		if !strings.Contains(said, want) {
			t.Errorf("the greeting does not say %q:\n%s", want, said)
		}
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if _, ok := Running(r.cfg.DataDir); ok || !r.fake.closed {
		t.Fatalf("still noted as running, or the backend is open (closed: %v)", r.fake.closed)
	}
}

// TestDrain: an answer that is being streamed when the end is asked for comes
// to its own end, while new requests find the door closed.
func TestDrain(t *testing.T) {
	r := start(t, testConfig(t))
	r.fake.Delay = 30 * time.Millisecond
	long := strings.Repeat("word ", 40)
	resp, err := http.Post(r.URL()+"/v1/chat/completions", "application/json",
		strings.NewReader(`{"model":"fake","stream":true,"messages":[{"role":"user","content":"`+long+`"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Scan()
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	for r.accepts() == nil {
		time.Sleep(time.Millisecond)
	}
	last := ""
	for lines.Scan() {
		if lines.Text() != "" {
			last = lines.Text()
		}
	}
	if err := lines.Err(); err != nil || last != "data: [DONE]" {
		t.Fatalf("the stream ended with %q, %v", last, err)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if conn, err := net.DialTimeout("tcp", strings.TrimPrefix(r.URL(), "http://"), time.Second); err == nil {
		conn.Close()
		t.Fatal("still listening")
	}
}

// TestDrainTimeout: answers that do not end are cut off, and their clients told.
func TestDrainTimeout(t *testing.T) {
	c := testConfig(t)
	c.Server.ShutdownTimeout = 50 * time.Millisecond
	r := start(t, c)
	r.fake.Delay = time.Hour
	heard := make(chan string, 2)
	for _, body := range []string{hello, strings.Replace(hello, "{", `{"stream":true,`, 1)} {
		go func() {
			resp, err := http.Post(r.URL()+"/v1/chat/completions", "application/json", strings.NewReader(body))
			if err != nil {
				heard <- err.Error()
				return
			}
			defer resp.Body.Close()
			data, err := io.ReadAll(resp.Body)
			heard <- fmt.Sprint(resp.StatusCode, " ", string(data), err)
		}()
	}
	for r.fake.Running() < 2 {
		time.Sleep(time.Millisecond)
	}
	begin := time.Now()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Fatalf("took %v", took)
	}
	for range 2 {
		if said := <-heard; !strings.Contains(said, `"code":"shutting_down"`) || !strings.HasSuffix(said, "<nil>") {
			t.Errorf("a client got %s", said)
		}
	}
}

func TestSecondInstance(t *testing.T) {
	r := start(t, testConfig(t))
	c := r.cfg
	_, err := New(c)
	for _, want := range []string{fmt.Sprintf("process %d, %s", os.Getpid(), r.URL()), "kill", "--data-dir"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	beside, err := New(c, Beside())
	if err != nil {
		t.Fatal(err)
	}
	beside.Close()
	r.stop()
	again, err := New(c)
	if err != nil {
		t.Fatalf("after the first ended: %v", err)
	}
	again.Close()
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := testConfig(t)
	c.Listen = l.Addr().String()
	_, err = New(c)
	if err == nil || !strings.Contains(err.Error(), c.Listen+" is taken by another program") || !strings.Contains(err.Error(), "--listen 127.0.0.1:") {
		t.Fatalf("%v", err)
	}
	c.Listen = "127.0.0.1:0"
	a, err := New(c) // the failed start has let go of the data folder
	if err != nil {
		t.Fatal(err)
	}
	a.Close()
}

func TestForeignAddress(t *testing.T) {
	c := testConfig(t)
	c.Listen = "192.0.2.1:0" // TEST-NET-1 belongs to nobody
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "no address of this machine") {
		t.Fatalf("%v", err)
	}
}

func TestKeys(t *testing.T) {
	c := testConfig(t)
	c.Listen = "0.0.0.0:0"
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "graft keys create") {
		t.Fatalf("open to everybody without a key: %v", err)
	}
	s, err := store.Open(context.Background(), c.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, secret, err := s.CreateKey(context.Background(), "test", store.User)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, c)
	for header, want := range map[string]int{"": 401, "Bearer sk-graft-wrong": 401, "Bearer " + secret: 200} {
		if status, body := r.post(t, hello, "Authorization", header); status != want {
			t.Errorf("%q: %d %s", header, status, body)
		}
	}
	if _, err := s.RevokeKey(context.Background(), "test"); err != nil {
		t.Fatal(err)
	}
	if status, _ := r.post(t, hello, "Authorization", "Bearer "+secret); status != 401 {
		t.Errorf("a revoked key: %d", status)
	}

	c = testConfig(t)
	c.Auth.Required = config.On
	if _, err := New(c); err == nil {
		t.Error("auth.required on loopback does nothing")
	}
	c.Listen, c.Auth.Required = "0.0.0.0:0", config.Off
	a, err := New(c)
	if err != nil {
		t.Fatalf("auth.required false: %v", err)
	}
	a.Close()
}

// TestResponsesSurvive: a stored response is there after a restart, and gone
// after it was deleted.
func TestResponsesSurvive(t *testing.T) {
	c := testConfig(t)
	r := start(t, c)
	resp, err := http.Post(r.URL()+"/v1/responses", "application/json", strings.NewReader(`{"model":"fake","input":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.ID == "" {
		t.Fatalf("%d %v", resp.StatusCode, err)
	}
	r.stop()

	r = start(t, c)
	for _, step := range []struct {
		method string
		want   int
	}{{"GET", 200}, {"DELETE", 200}, {"GET", 404}, {"DELETE", 404}} {
		req, err := http.NewRequest(step.method, r.URL()+"/v1/responses/"+made.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != step.want {
			t.Errorf("%s: %d, want %d", step.method, resp.StatusCode, step.want)
		}
	}
}

// TestHostNames: a page whose own name points at this machine gets nothing.
func TestHostNames(t *testing.T) {
	r := start(t, testConfig(t))
	for host, want := range map[string]int{"evil.example": 403, "evil.example:80": 403, "localhost:1": 200, "[::1]:9": 200, "a.localhost": 200, "10.0.0.1": 403} {
		if status, body := r.post(t, hello, "Host", host); status != want {
			t.Errorf("%s: %d %s", host, status, body)
		}
	}
}

// TestStarting: until the model is there, clients are told to come again.
func TestStarting(t *testing.T) {
	a, err := New(testConfig(t))
	if err != nil {
		t.Fatal(err)
	}
	loading, done := make(chan struct{}), make(chan error, 1)
	a.open = func(context.Context) (backend, error) {
		<-loading
		return nil, errors.New("the model is broken")
	}
	go func() { done <- a.Run(context.Background()) }()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/v1/models": 503} {
		resp, err := http.Get(a.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || want == 503 && resp.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
	}
	close(loading)
	if err := <-done; err == nil || err.Error() != "the model is broken" {
		t.Fatalf("%v", err)
	}
}

// TestSlowRequest: a client that sends its request byte by byte is cut off.
func TestSlowRequest(t *testing.T) {
	c := testConfig(t)
	c.Server.ReadTimeout = 100 * time.Millisecond
	r := start(t, c)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	answer, err := io.ReadAll(conn) // until the server closes
	if err != nil {
		t.Fatalf("not cut off: %v", err)
	}
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 4")) {
		t.Fatalf("%s", answer)
	}
}

// TestSlowAnswer: the time for sending a request does not bound its answer.
func TestSlowAnswer(t *testing.T) {
	c := testConfig(t)
	c.Server.ReadTimeout = 50 * time.Millisecond
	r := start(t, c)
	r.fake.Delay = 200 * time.Millisecond
	if status, body := r.post(t, hello); status != 200 || !strings.Contains(body, `"hello"`) {
		t.Fatalf("%d %s", status, body)
	}
}
