package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"graft/serving"
)

// EngineStats is the state of one model's engine, read at each scrape.
type EngineStats struct {
	Model           string
	Queued, Running int   // requests
	Batch           int   // rows of the latest step
	KVUsed, KVTotal int   // blocks of the paged cache
	PrefixQueries   int64 // prompt tokens looked up in the prefix cache, since the start
	PrefixHits      int64 // those that were found
	Preemptions     int64 // sequences put back for want of blocks, since the start
	Drafted         int64 // tokens that were computed as guesses, since the start
	DraftAccepted   int64 // those that were right
	Bytes           int64 // memory of weights and cache

	Adapters         int   // in memory
	AdapterBytes     int64 // that they hold, of the cache's
	AdapterWaiting   int   // requests that wait for adapters
	AdapterLoads     int64 // since the start
	AdapterEvictions int64 // to make room, since the start
	AdapterFailures  int64 // of loads, since the start
}

// Metrics are the numbers that Prometheus scrapes, in a registry of their own.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	first    *prometheus.HistogramVec
	gaps     *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	inFlight prometheus.Gauge
}

// NewMetrics makes the registry; stats may be nil.
func NewMetrics(stats func() []EngineStats) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "graft_http_requests_total", Help: "Requests answered.",
		}, []string{"route", "method", "status", "model"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "graft_http_request_seconds", Help: "Time from a request to the end of its answer.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 2, 5, 10, 30, 60, 120, 300},
		}, []string{"route", "model"}),
		first: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "graft_time_to_first_token_seconds", Help: "Time from a request to the first piece of its answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"model"}),
		gaps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "graft_inter_token_seconds", Help: "Time between the pieces of an answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, []string{"model"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "graft_tokens_total", Help: "Tokens of prompts (cached: those found in the prefix cache) and of answers.",
		}, []string{"model", "kind"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "graft_http_requests_in_progress", Help: "Requests being answered.",
		}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.first, m.gaps, m.tokens, m.inFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if stats != nil {
		m.registry.MustRegister(engineCollector(stats))
	}
	return m
}

// Handler is the page that Prometheus reads.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

func (m *Metrics) gap(model string, d time.Duration) {
	m.gaps.WithLabelValues(model).Observe(d.Seconds())
}

// done counts one request. Labels come from the router and from backends, never
// from what a client wrote, so that their number stays small.
func (m *Metrics) done(route, method string, status int, x *exchange) {
	m.requests.WithLabelValues(route, method, strconv.Itoa(status), x.served).Inc()
	m.seconds.WithLabelValues(route, x.served).Observe(time.Since(x.start).Seconds())
	if x.first > 0 {
		m.first.WithLabelValues(x.served).Observe(x.first.Seconds())
	}
	if x.usage != (serving.Usage{}) {
		m.tokens.WithLabelValues(x.served, "prompt").Add(float64(x.usage.Prompt))
		m.tokens.WithLabelValues(x.served, "cached").Add(float64(x.usage.Cached))
		m.tokens.WithLabelValues(x.served, "generated").Add(float64(x.usage.Completion))
	}
}

// engineCollector reads the engines when Prometheus does.
type engineCollector func() []EngineStats

var engineGauges = []struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(EngineStats) float64
}{
	{engineDesc("graft_queue_requests", "Requests waiting."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.Queued) }},
	{engineDesc("graft_running_requests", "Requests being generated."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.Running) }},
	{engineDesc("graft_batch_rows", "Rows of the latest step."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.Batch) }},
	{engineDesc("graft_kv_blocks_used", "Blocks of the KV cache in use."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.KVUsed) }},
	{engineDesc("graft_kv_blocks", "Blocks of the KV cache."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.KVTotal) }},
	{engineDesc("graft_prefix_query_tokens_total", "Prompt tokens looked up in the prefix cache."), prometheus.CounterValue, func(s EngineStats) float64 { return float64(s.PrefixQueries) }},
	{engineDesc("graft_prefix_hit_tokens_total", "Prompt tokens found in the prefix cache."), prometheus.CounterValue, func(s EngineStats) float64 { return float64(s.PrefixHits) }},
	{engineDesc("graft_preemptions_total", "Sequences put back for want of KV blocks."), prometheus.CounterValue, func(s EngineStats) float64 { return float64(s.Preemptions) }},
	{engineDesc("graft_draft_tokens_total", "Tokens guessed and computed beside those that are certain."), prometheus.CounterValue, func(s EngineStats) float64 { return float64(s.Drafted) }},
	{engineDesc("graft_draft_accepted_tokens_total", "Guessed tokens that were right."), prometheus.CounterValue, func(s EngineStats) float64 { return float64(s.DraftAccepted) }},
	{engineDesc("graft_adapters", "Adapters in memory."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.Adapters) }},
	{engineDesc("graft_adapter_bytes", "Memory of these adapters, a part of that for the KV cache."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.AdapterBytes) }},
	{engineDesc("graft_adapter_waiting_requests", "Requests waiting for adapters to be loaded, or for room."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.AdapterWaiting) }},
	{engineDesc("graft_adapter_loads_total", "Adapters loaded."), prometheus.CounterValue, func(s EngineStats) float64 { return float64(s.AdapterLoads) }},
	{engineDesc("graft_adapter_evictions_total", "Adapters evicted to make room."), prometheus.CounterValue, func(s EngineStats) float64 { return float64(s.AdapterEvictions) }},
	{engineDesc("graft_adapter_load_failures_total", "Adapters that could not be loaded."), prometheus.CounterValue, func(s EngineStats) float64 { return float64(s.AdapterFailures) }},
	{engineDesc("graft_engine_bytes", "Memory of weights and KV cache."), prometheus.GaugeValue, func(s EngineStats) float64 { return float64(s.Bytes) }},
}

func engineDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"model"}, nil)
}

// Describe sends the descriptions of all gauges.
func (engineCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range engineGauges {
		ch <- g.desc
	}
}

// Collect sends the numbers of every engine.
func (read engineCollector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range read() {
		for _, g := range engineGauges {
			ch <- prometheus.MustNewConstMetric(g.desc, g.kind, g.of(s), s.Model)
		}
	}
}
