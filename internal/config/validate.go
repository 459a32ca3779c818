package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate reports everything that is wrong at once.
func (c Config) Validate() error {
	var problems []error
	bad := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			bad(key, "%q is not one of %s", value, strings.Join(allowed, ", "))
		}
	}
	atLeast := func(key string, value, least int) {
		if value < least {
			bad(key, "%d is less than %d", value, least)
		}
	}
	positive := func(key string, d time.Duration) {
		if d <= 0 {
			bad(key, "%v is not a positive time", d)
		}
	}

	if _, port, err := net.SplitHostPort(c.Listen); err != nil {
		bad("listen", "%q is not HOST:PORT, as in 127.0.0.1:8080", c.Listen)
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		bad("listen", "port %q is not a number from 0 to 65535", port)
	}
	if len(c.Models) == 0 {
		bad("models", "name at least one model")
	}
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "auto", "text", "json")

	s := c.Server
	if s.MaxBodyBytes < 1<<10 {
		bad("server.max_body_bytes", "%d is less than 1KiB", s.MaxBodyBytes)
	}
	positive("server.read_header_timeout", s.ReadHeaderTimeout)
	positive("server.read_timeout", s.ReadTimeout)
	positive("server.idle_timeout", s.IdleTimeout)
	positive("server.write_timeout", s.WriteTimeout)
	positive("server.keep_alive", s.KeepAlive)
	positive("server.shutdown_timeout", s.ShutdownTimeout)
	if s.RequestTimeout < 0 {
		bad("server.request_timeout", "%v is negative; 0 means no limit", s.RequestTimeout)
	}
	atLeast("server.max_n", s.MaxN, 1)
	atLeast("server.max_prompts", s.MaxPrompts, 1)
	atLeast("auth.max_concurrent", c.Auth.MaxConcurrent, 0)
	for _, origin := range s.CORSOrigins {
		if u, err := url.Parse(origin); origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Path != "") {
			bad("server.cors_origins", "%q is not an origin, as in https://example.org, nor *", origin)
		}
	}

	e := c.Engine
	atLeast("engine.threads", e.Threads, 0)
	oneOf("engine.isa", e.ISA, "auto", "generic", "avx2", "avx512", "amx")
	atLeast("engine.context", e.Context, 0)
	oneOf("engine.kv_type", e.KVType, "auto", "f32", "f16", "bf16", "q16", "q8_0")
	if e.KVMemory < 1<<20 {
		bad("engine.kv_memory", "%d is less than 1MiB", e.KVMemory)
	}
	oneOf("engine.block_tokens", strconv.Itoa(e.BlockTokens), "16", "32", "64", "128")
	atLeast("engine.max_batch_tokens", e.MaxBatchTokens, 1)
	atLeast("engine.mixed_batch_tokens", e.MixedBatchTokens, 1)
	atLeast("engine.max_running", e.MaxRunning, 1)
	atLeast("engine.max_queue", e.MaxQueue, 0)

	a := c.Adapters
	if a.Memory >= e.KVMemory {
		bad("adapters.memory", "%s is not less than engine.kv_memory, of which it is a part (%s)", a.Memory, e.KVMemory)
	}
	atLeast("adapters.max_rank", a.MaxRank, 1)
	if a.MaxBytes < 1<<10 {
		bad("adapters.max_bytes", "%d is less than 1KiB", a.MaxBytes)
	}
	atLeast("adapters.keep", a.Keep, 0)
	if c.Files.MaxBytes < 1<<10 {
		bad("files.max_bytes", "%d is less than 1KiB", c.Files.MaxBytes)
	}

	atLeast("training.max_cores", c.Training.MaxCores, 0)
	atLeast("training.max_jobs", c.Training.MaxJobs, 1)
	atLeast("training.keep_jobs", c.Training.KeepJobs, 1)
	positive("training.save_every", c.Training.SaveEvery)
	seen := map[string]bool{}
	for i, w := range c.Training.Webhooks {
		key := fmt.Sprintf("training.webhooks[%d]", i)
		if u, err := url.Parse(w.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			bad(key+".url", "%q is not a URL, as in https://example.org/graft", w.URL)
		}
		if seen[w.URL] {
			bad(key+".url", "%q is there twice", w.URL)
		}
		if seen[w.URL] = true; w.Secret == "" {
			bad(key+".secret", "is missing: give one, or GRAFT_WEBHOOK_SECRET in the environment")
		}
	}

	if u, err := url.Parse(c.Hub.HFEndpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		bad("hub.hf_endpoint", "%q is not a URL, as in https://huggingface.co", c.Hub.HFEndpoint)
	}
	positive("hub.connect_timeout", c.Hub.ConnectTimeout)
	if t := c.Tracing.OTLPEndpoint; t != "" {
		if u, err := url.Parse(t); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			bad("tracing.otlp_endpoint", "%q is not a URL, as in http://localhost:4318", t)
		}
	}
	if r := c.Tracing.SampleRatio; !(r >= 0 && r <= 1) {
		bad("tracing.sample_ratio", "%v is not between 0 and 1", r)
	}
	return errors.Join(problems...)
}

// Loopback tells whether an address can be reached from this machine only.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
