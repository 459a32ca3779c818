package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server is a program that listens on loopback.
type Server struct {
	Name   string
	URL    string // "http://127.0.0.1:…"
	cmd    *exec.Cmd
	log    *os.File
	exited chan error
}

// Build compiles graft into dir, with more arguments of go build, and returns the
// path of the program.
func Build(ctx context.Context, dir string, args ...string) (string, error) {
	program := filepath.Join(dir, "graft")
	build := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", program}, args...), "graft")...)
	build.Stderr = os.Stderr
	return program, build.Run()
}

// StartGraft serves the model file at path under the name "base", with the data
// folder dir, and waits until it is ready. It guesses no tokens unless args say so: other servers
// do not, and benchmarks ask the same again and again.
func StartGraft(ctx context.Context, program, dir, path string, args ...string) (*Server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return start(ctx, "graft", address, "/readyz", dir, exec.Command(program, append([]string{"serve",
		"--listen", address, "--data-dir", dir, "--model", "base=" + path, "--set", "engine.speculate=false"}, args...)...))
}

// StartLlama serves the model at path with llama.cpp's llama-server from the
// folder bin, and waits until it is ready.
func StartLlama(ctx context.Context, bin, dir, path string, args ...string) (*Server, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(address)
	cmd := exec.Command(filepath.Join(bin, "llama-server"), append([]string{"-m", path, "--host", host, "--port", port, "--no-webui"}, args...)...)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+bin)
	return start(ctx, "llama-server", address, "/health", dir, cmd)
}

// poll is how often a server that starts is asked whether it is ready. Starts are
// measured: a coarse step would add to all of them, and most to the fastest.
const poll = 2 * time.Millisecond

func start(ctx context.Context, name, address, health, dir string, cmd *exec.Cmd) (*Server, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	s := &Server{Name: name, URL: "http://" + address, cmd: cmd, log: log, exited: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() { s.exited <- cmd.Wait() }()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(poll) {
		if resp, err := http.Get(s.URL + health); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s, nil
			}
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			return nil, fmt.Errorf("%s ended before it was ready: %v\n%s", name, err, s.tail())
		default:
		}
	}
	s.Stop()
	return nil, fmt.Errorf("%s was not ready in time\n%s", name, s.tail())
}

// tail is the end of what the program wrote.
func (s *Server) tail() string {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// Stop ends the program.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
	s.log.Close()
}

// RSS is the memory that the program holds now, in bytes (Linux).
func (s *Server) RSS() (int64, error) { return s.memory("VmRSS:") }

// Peak is the most memory that the program has held, in bytes (Linux).
func (s *Server) Peak() (int64, error) { return s.memory("VmHWM:") }

func (s *Server) memory(field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("no %s in /proc", field)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// CPU is the processor time that the program has used, in seconds (Linux).
func (s *Server) CPU() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// After the name in brackets come the fields from the third on: utime and stime are
	// the 14th and 15th, in hundredths of a second (proc(5)).
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(f) < 13 {
		return 0, errors.New("/proc has no times")
	}
	user, err := strconv.ParseFloat(f[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100, err
}
