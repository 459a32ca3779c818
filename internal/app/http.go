package app

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"graft/api"
	"graft/evalharness/rating"
	"graft/internal/config"
	"graft/internal/store"
	"graft/serving"
)

// server is the HTTP server; what it answers changes when the App is ready.
func (a *App) server() *http.Server {
	early := http.Handler(http.HandlerFunc(answerStarting))
	a.handler.Store(&early)
	s := a.cfg.Server
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			(*a.handler.Load()).ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: s.ReadHeaderTimeout,
		ReadTimeout:       s.ReadTimeout,
		IdleTimeout:       s.IdleTimeout,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		// No WriteTimeout: it would cut long answers. The API bounds each write.
	}
}

// answerStarting tells early clients to come again.
func answerStarting(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/healthz" {
		io.WriteString(w, `{"status":"ok"}`)
		return
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	io.WriteString(w, `{"error":{"message":"graft is starting: the model is being fetched or loaded. Try again in a moment.","type":"server_error","param":null,"code":"starting"}}`)
}

// guardHost refuses requests for names that are not this machine's while
// anybody here may call without a key: a web page could otherwise reach the
// server under a name of its own that it points at 127.0.0.1.
func (a *App) guardHost(next http.Handler) http.Handler {
	if a.keys || !config.Loopback(a.cfg.Listen) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if localName(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"error":{"message":"This server answers requests to localhost only. To serve other names, listen on another address with API keys.","type":"invalid_request_error","param":null,"code":"host_not_allowed"}}`)
	})
}

// localName tells whether a Host header means this machine.
func localName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// apiOptions are the API's part of the configuration.
func apiOptions(c config.Config) api.Options {
	o, s := api.DefaultOptions(), c.Server
	o.Strict, o.CORSOrigins, o.MaxN, o.MaxPrompts, o.MaxBody = s.Strict, s.CORSOrigins, s.MaxN, s.MaxPrompts, int64(s.MaxBodyBytes)
	o.KeepAlive, o.WriteTimeout, o.RequestTimeout = s.KeepAlive, s.WriteTimeout, s.RequestTimeout
	o.ReadTimeout, o.MaxUpload = s.ReadTimeout, uploadBytes(c.Adapters)
	o.MaxFile = int64(c.Files.MaxBytes)
	o.MaxConcurrentPerKey, o.LogPrompts = c.Auth.MaxConcurrent, c.Log.Prompts
	return o
}

// uploadBytes is room for the largest adapter with its configuration, and for what
// an archive or a form adds.
func uploadBytes(c config.Adapters) int64 { return int64(c.MaxBytes) + 8<<20 }

// deps are what the API stands on.
func (a *App) deps(b backend) api.Deps {
	o := apiOptions(a.cfg)
	o.RequireKeys = a.keys
	o.SpoolDir = a.adapters.SpoolDir()
	d := api.Deps{
		Backend: b, Adapters: a.adapters, Keys: keyring{a.store}, Responses: responses{a.store}, Options: o, Logger: a.log, Version: a.version, Ready: a.accepts,
		Blobs: uploads{store.OpenBlobs(a.blobDir())}, Files: a.store, Metrics: api.NewMetrics(stats(b)),
	}
	d.Jobs, d.Bases = a.jobs, trainable{a.bases}
	d.Evals = a.evals
	d.Ratings = &rating.Service{Store: a.store}
	if a.traces != nil {
		d.Tracer = a.traces.Tracer("graft/api")
	}
	return d
}

// accepts says why the App takes no requests, nil when it does.
func (a *App) accepts() error {
	switch a.phase.Load() {
	case starting:
		return errors.New("graft is starting")
	case draining:
		return serving.ErrDraining
	}
	return nil
}
