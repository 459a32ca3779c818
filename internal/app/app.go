// Package app wires the parts of graft together: configuration → store, models,
// engine, API, HTTP server. End-to-end tests start the same App as `graft serve`.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"

	"graft/adapters"
	"graft/api"
	"graft/evalharness/evals"
	"graft/internal/config"
	"graft/internal/flock"
	"graft/internal/hub"
	"graft/internal/store"
	"graft/serving"
	"graft/training/jobs"
	"graft/training/webhook"
)

// Option is what is not configuration.
type Option func(*App)

// Console lets the App tell people where it serves what.
func Console(w io.Writer) Option { return func(a *App) { a.console = w } }

// LogTo is where the log goes; without it, nothing is logged.
func LogTo(w io.Writer) Option { return func(a *App) { a.logTo = w } }

// Progress hears of models being fetched.
func Progress(f func(hub.Event)) Option { return func(a *App) { a.progress = f } }

// Version is what the App says it is.
func Version(v string) Option { return func(a *App) { a.version = v } }

// Beside lets the App run while another has the same data folder.
func Beside() Option { return func(a *App) { a.beside = true } }

// App is one server. New binds its address, Run serves until it is told to end.
type App struct {
	cfg      config.Config
	console  io.Writer
	logTo    io.Writer
	progress func(hub.Event)
	version  string
	beside   bool
	without  bool // models

	log      *slog.Logger
	hub      *hub.Hub
	lock     *flock.Lock // nil: beside another
	listener net.Listener
	store    *store.Store
	bases    *bases
	adapters *adapters.Registry
	jobs     *jobs.Service
	webhooks *webhook.Sender
	evals    *evals.Service
	keys     bool                  // demanded of clients
	traces   *trace.TracerProvider // nil: none

	// open makes the backend; tests replace it.
	open    func(context.Context) (backend, error)
	handler atomic.Pointer[http.Handler]
	phase   atomic.Int32 // starting, serving, draining
	ready   chan struct{}
	close   sync.Once
}

// backend is what answers requests.
type backend interface {
	serving.Backend
	// Close takes no more requests and waits for those in progress until ctx ends.
	Close(ctx context.Context)
}

// Phases of an App's life.
const (
	starting int32 = iota
	serves
	draining
)

// New checks everything that can be checked without a model: that no other App
// has the data folder, that the address is free, that clients can be told from
// strangers. An App that is not Run must be Closed.
func New(cfg config.Config, options ...Option) (*App, error) {
	a := &App{cfg: cfg, ready: make(chan struct{}), console: io.Discard, version: "unknown"}
	for _, o := range options {
		o(a)
	}
	a.log = newLogger(a.logTo, cfg.Log)
	a.hub = hub.New(cfg.HubOptions())
	a.bases = &bases{digests: map[string]string{}, norms: map[string]known{}}
	a.open = a.openNative
	if a.without {
		a.open = a.openNothing
	}
	if err := a.prepare(); err != nil {
		a.Close()
		return nil, explainDisk(err, cfg.DataDir)
	}
	return a, nil
}

func (a *App) prepare() (err error) {
	if err := os.MkdirAll(a.cfg.DataDir, 0o755); err != nil {
		return fmt.Errorf("%w: %w", errNoFolder, err)
	}
	if !a.beside {
		if a.lock, err = takeInstance(a.cfg.DataDir); err != nil {
			return err
		}
	}
	if a.listener, err = listen(a.cfg.Listen); err != nil {
		return err
	}
	if a.lock != nil {
		if err := noteInstance(a.lock, a.URL()); err != nil {
			return err
		}
	}
	if a.store, err = store.Open(context.Background(), a.cfg.DataDir); err != nil {
		return err
	}
	a.store.MaxFileBytes = int64(a.cfg.Files.MaxStored)
	if a.lock != nil {
		if err := a.store.MendFiles(context.Background()); err != nil {
			a.log.Warn("files that are no longer needed could not be deleted", "error", err)
		}
	}
	if err = a.openRegistry(); err != nil {
		return err
	}
	if err = a.openJobs(files{a.store}); err != nil {
		return err
	}
	a.openEvals()
	if a.keys, err = a.demandKeys(); err != nil {
		return err
	}
	a.traces, err = startTraces(a.cfg.Tracing, a.version)
	return err
}

// demandKeys decides whether clients need an API key, and refuses to start
// where nobody could have one.
func (a *App) demandKeys() (bool, error) {
	demanded := a.cfg.Auth.Required == config.On || a.cfg.Auth.Required == config.Auto && !config.Loopback(a.cfg.Listen)
	if !demanded {
		return false, nil
	}
	n, err := a.store.CountKeys(context.Background())
	if err == nil && n == 0 {
		err = fmt.Errorf("listening on %s demands API keys, and there is none yet: create one with `graft keys create NAME` (same --data-dir), or listen on 127.0.0.1 only", a.cfg.Listen)
	}
	return true, err
}

// URL is where the server is reached from this machine.
func (a *App) URL() string {
	addr := a.listener.Addr().(*net.TCPAddr)
	host := addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// Ready is closed when the first model is loaded and requests are answered.
func (a *App) Ready() <-chan struct{} { return a.ready }

// Run fetches and loads the models, and serves until ctx ends; then it lets
// running answers end, for as long as server.shutdown_timeout says, and closes
// everything. nil means that it ended because ctx did.
func (a *App) Run(ctx context.Context) error {
	defer a.Close()
	start := time.Now()
	server := a.server()
	served := make(chan error, 1)
	go func() { served <- server.Serve(a.listener) }()

	b, err := a.open(ctx)
	if err != nil {
		server.Close()
		<-served
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	a.serve(ctx, b, time.Since(start))
	warming, cancel := context.WithCancel(ctx)
	var warm sync.WaitGroup
	warm.Go(func() { a.warmBases(warming, b) })
	stop := a.startWork(ctx)
	end := sync.OnceFunc(func() {
		cancel()
		warm.Wait() // it reads the weights, as trainings do
		stop()
		ended, cancel := context.WithCancel(context.Background())
		cancel() // what is still in progress is not waited for
		b.Close(ended)
	})
	defer end()
	select {
	case <-ctx.Done():
		err = a.drain(server, end)
		<-served
	case err = <-served: // the listener broke
	}
	return err
}

// serve puts the API in the place of the handler that says "starting".
func (a *App) serve(ctx context.Context, b backend, took time.Duration) {
	a.pinAdapters(ctx, b)
	h := a.guardHost(api.New(a.deps(b)))
	a.handler.Store(&h)
	a.phase.Store(serves)
	a.greet(ctx, b, took)
	close(a.ready)
}

// lastWords is how long clients have to hear that their answers were cut off.
const lastWords = 2 * time.Second

// drain lets running requests end and refuses new ones. Those that take too long
// are told so: end ends them with an error, which their clients can tell from a
// broken connection.
func (a *App) drain(server *http.Server, end func()) error {
	a.phase.Store(draining)
	a.log.Info("shutting down", "at_most", a.cfg.Server.ShutdownTimeout.String())
	fmt.Fprintf(a.console, "shutting down: answers in progress have %v to end (interrupt again to stop at once)\n", a.cfg.Server.ShutdownTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.Server.ShutdownTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("answers in progress were cut off", "after", a.cfg.Server.ShutdownTimeout.String())
		end()
		ctx, cancel := context.WithTimeout(context.Background(), lastWords)
		defer cancel()
		if err = server.Shutdown(ctx); err != nil {
			err = server.Close()
		}
	}
	return err
}

// Close releases everything; a running App is ended by the ctx of Run instead.
func (a *App) Close() error {
	var errs []error
	a.close.Do(func() {
		if a.listener != nil {
			if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
		if a.traces != nil {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			errs = append(errs, a.traces.Shutdown(ctx))
		}
		if a.adapters != nil {
			errs = append(errs, a.adapters.Close())
		}
		if a.store != nil {
			errs = append(errs, a.store.Close())
		}
		if a.lock != nil {
			errs = append(errs, a.lock.Release())
		}
	})
	return errors.Join(errs...)
}
