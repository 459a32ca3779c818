package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/trace"

	"graft/adapters"
	"graft/evalharness/evals"
	"graft/serving"
	"graft/training/jobs"
)

// Options are the rules of the HTTP surface.
type Options struct {
	Strict              bool          // refuse fields that have no effect; else name them in x-graft-ignored
	RequireKeys         bool          // every route but the health checks needs an API key
	CORSOrigins         []string      // origins whose pages may call; "*": all; empty: none
	MaxBody             int64         // bytes of a request body
	MaxN                int           // answers of one request: n, and best_of
	MaxPrompts          int           // prompts of one completion, inputs of one embedding
	MaxConcurrentPerKey int           // requests of one key at once; 0: no limit
	KeepAlive           time.Duration // silence after which a stream sends a comment
	WriteTimeout        time.Duration // a client that takes no bytes for so long is cut off
	RequestTimeout      time.Duration // deadline of a generation; 0: none
	LogPrompts          bool          // write request bodies to the log
	MaxUpload           int64         // bytes of an adapter that is sent, and of a blob
	MaxUploads          int           // adapters that are added at once
	MaxFile             int64         // bytes of a file of /v1/files
	ReadTimeout         time.Duration // for a body to come, as net/http holds it; uploads get more as they go on
	SpoolDir            string        // where files of a form wait; "": the system's place for such
}

// DefaultOptions are the rules when nothing is configured.
func DefaultOptions() Options {
	return Options{
		Strict:       true,
		MaxBody:      16 << 20,
		MaxN:         128,
		MaxPrompts:   2048,
		MaxUpload:    1<<30 + 8<<20,
		MaxUploads:   4,
		MaxFile:      512 << 20,
		ReadTimeout:  time.Minute,
		KeepAlive:    15 * time.Second,
		WriteTimeout: 30 * time.Second,
	}
}

// Deps are what the API stands on. Backend is needed; nil elsewhere means: without.
type Deps struct {
	Backend   serving.Backend // its optional powers (serving.Tokenizer …) are found by assertion
	Adapters  *adapters.Registry
	Responses ResponseStore // nil: in memory
	Keys      Keys
	Blobs     Blobs // nil: none are taken
	Files     Files
	Jobs      Jobs // needs Files and Bases
	Bases     jobs.Bases
	Evals     *evals.Service // needs Files
	Ratings   Ratings
	Options   Options
	Logger    *slog.Logger               // nil: nothing is logged
	Ready     func() error               // why the server takes no requests now; nil: it does
	Now       func() time.Time           // nil: time.Now
	ID        func(prefix string) string // nil: random
	Tracer    trace.Tracer               // nil: nothing is traced
	Version   string                     // of graft
	Metrics   *Metrics                   // nil: one of its own

	registry adapterRegistry // of tests, in the place of Adapters
	loras    *loraSet        // nil: a new one
}

// server is Deps with every default filled in, shared by the handlers.
type server struct {
	Deps
	models modelLister

	registry adapterRegistry // nil: no adapters
	limits   adapterLimits

	mu     sync.Mutex
	perKey map[string]int // requests in progress by key id
}

// New returns the whole HTTP surface.
func New(d Deps) http.Handler {
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.ID == nil {
		d.ID = randomID
	}
	if d.Metrics == nil {
		d.Metrics = NewMetrics(nil)
	}
	if d.Responses == nil {
		d.Responses = NewMemoryResponses(1000, 64<<20)
	}
	if d.loras == nil {
		d.loras = &loraSet{}
	}
	s := &server{Deps: d, models: d.Backend, registry: d.registry, perKey: map[string]int{}}
	if d.Adapters != nil {
		s.registry = d.Adapters
	}

	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	r.Use(s.requestID, s.observe, s.trace, s.recover, s.cors)
	r.NoRoute(s.noRoute)
	r.NoMethod(s.noMethod)

	health := healthHandler{s}
	r.GET("/", health.root)
	r.HEAD("/", health.root)
	r.GET("/healthz", health.live)
	r.GET("/readyz", health.ready)
	r.GET("/health", health.ready) // the name that clients of vLLM and llama.cpp know
	r.GET("/openapi.yaml", s.openAPI)
	r.GET("/metrics", s.requireKey, gin.WrapH(d.Metrics.Handler()))

	rate := rateHandler{s, d.Ratings} // people without keys: their links let them in
	page := r.Group("", rate.guard)
	page.GET("/rate/:run", rate.file("rate.html", "text/html"))
	page.GET("/ui/rate.css", rate.file("rate.css", "text/css"))
	page.GET("/ui/rate.js", rate.file("rate.js", "text/javascript"))
	page.GET("/rate/:run/next", rate.next)
	page.POST("/rate/:run/votes", rate.vote)
	page.POST("/rate/:run/undo", rate.undo)

	open := r.Group("", s.requireKey, s.limitConcurrency)
	v1 := open.Group("/v1")

	models := modelsHandler{s, d.Backend}
	v1.GET("/models", models.list)
	v1.GET("/models/*id", models.get)
	v1.DELETE("/models/*id", s.requireAdmin, models.delete)

	chat := chatHandler{s, d.Backend}
	v1.POST("/chat/completions", chat.create)

	completions := completionsHandler{s, d.Backend}
	v1.POST("/completions", completions.create)

	embeddings := embeddingsHandler{s, d.Backend}
	v1.POST("/embeddings", embeddings.create)

	responses := responsesHandler{s, d.Backend, asTokenizer(d.Backend), d.Responses}
	v1.POST("/responses", responses.create)
	v1.POST("/responses/input_tokens", responses.inputTokens)
	v1.GET("/responses/:id", responses.get)
	v1.DELETE("/responses/:id", responses.delete)
	v1.GET("/responses/:id/input_items", responses.inputItems)
	v1.POST("/responses/:id/cancel", responses.cancel)

	loras := s.newAdaptersHandler()
	v1.GET("/lora_adapters", loras.list)
	v1.GET("/lora_adapters/*name", loras.needRegistry, loras.get)
	change := v1.Group("", s.requireAdmin, loras.needRegistry)
	change.POST("/lora_adapters", loras.create)
	change.POST("/lora_adapters/*name", loras.act)
	change.PATCH("/lora_adapters/*name", loras.change)
	change.DELETE("/lora_adapters/*name", loras.delete)
	change.POST("/load_lora_adapter", loras.vllmLoad)
	change.POST("/unload_lora_adapter", loras.vllmUnload)
	v1.GET("/loras", loras.dynamoList)
	change.POST("/loras", loras.dynamoLoad)
	change.DELETE("/loras/*name", loras.dynamoUnload)
	open.GET("/lora-adapters", loras.llamaList)
	change = open.Group("", s.requireAdmin, loras.needRegistry)
	change.POST("/lora-adapters", loras.llamaSet)
	change.POST("/load_lora_adapter", loras.sglangLoad)
	change.POST("/unload_lora_adapter", loras.sglangUnload)
	change.POST("/load_lora_adapter_from_tensors", loras.sglangTensors)

	files := s.newFilesHandler()
	kept := v1.Group("", files.needFiles)
	kept.GET("/files", files.list)
	kept.POST("/files", files.create)
	kept.GET("/files/:id", files.get)
	kept.DELETE("/files/:id", files.delete)
	kept.GET("/files/:id/content", files.content)
	kept.POST("/uploads", files.createUpload)
	kept.POST("/uploads/:id/parts", files.addPart)
	kept.POST("/uploads/:id/complete", files.completeUpload)
	kept.POST("/uploads/:id/cancel", files.cancelUpload)

	tuning := s.newTuningHandler()
	tuned := v1.Group("/fine_tuning", tuning.needJobs)
	tuned.POST("/jobs", tuning.create)
	tuned.GET("/jobs", tuning.list)
	tuned.GET("/jobs/:id", tuning.get)
	tuned.POST("/jobs/:id/cancel", tuning.cancel)
	tuned.POST("/jobs/:id/pause", tuning.pause)
	tuned.POST("/jobs/:id/resume", tuning.resume)
	tuned.GET("/jobs/:id/events", tuning.events)
	tuned.GET("/jobs/:id/checkpoints", tuning.checkpoints)
	tuned.GET("/jobs/:id/report", tuning.report)
	tuned.POST("/graft/preview", tuning.preview)
	tuned.POST("/graft/check", tuning.check)
	grading := gradersHandler{s}
	v1.POST("/fine_tuning/alpha/graders/run", grading.run)
	v1.POST("/fine_tuning/alpha/graders/validate", grading.validate)
	permissions := v1.Group("/fine_tuning/checkpoints", s.requireAdmin, loras.needRegistry)
	permissions.GET("/*checkpoint", loras.listPermissions)
	permissions.POST("/*checkpoint", loras.addPermissions)
	permissions.DELETE("/*checkpoint", loras.removePermission)

	tests := evalsHandler{s}
	if d.Evals != nil {
		d.Evals.Use(evalModels{s})
	}
	tested := v1.Group("/evals", tests.needEvals)
	tested.GET("", tests.list)
	tested.POST("", tests.create)
	tested.GET("/:id", tests.get)
	tested.POST("/:id", tests.update)
	tested.DELETE("/:id", tests.delete)
	tested.GET("/:id/runs", tests.listRuns)
	tested.POST("/:id/runs", tests.createRun)
	tested.GET("/:id/runs/:run", tests.getRun)
	tested.POST("/:id/runs/:run", tests.cancelRun)
	tested.POST("/:id/runs/:run/cancel", tests.cancelRun) // where OpenAI's newer Python clients ask
	tested.DELETE("/:id/runs/:run", tests.deleteRun)
	tested.GET("/:id/runs/:run/report", tests.report)
	tested.GET("/:id/runs/:run/output_items", tests.listItems)
	tested.POST("/:id/comparisons", tests.compare)
	tested.GET("/:id/runs/:run/output_items/:item", tests.getItem)
	ratings := ratingsHandler{s}
	rated := v1.Group("/ratings", s.requireAdmin, ratings.needRatings)
	rated.POST("", ratings.create)
	rated.GET("/:run", ratings.get)
	rated.DELETE("/:run", ratings.delete)
	rated.POST("/:run/raters", ratings.invite)
	rated.POST("/:run/lock", ratings.lock)

	encoder, _ := d.Backend.(serving.TokenEncoder)
	open.POST("/pooling", poolingHandler{s, encoder}.create)
	tokens := tokenizeHandler{s, d.Backend, asTokenizer(d.Backend)}
	open.POST("/tokenize", tokens.tokenize)
	open.POST("/detokenize", tokens.detokenize)
	open.GET("/tokenizer_info", tokens.info)

	ollama := ollamaHandler{s, d.Backend, d.Backend}
	api := open.Group("/api")
	api.POST("/chat", ollama.chat)
	api.POST("/generate", ollama.generate)
	api.POST("/embed", ollama.embedMany)
	api.POST("/embeddings", ollama.embedOne)
	api.GET("/tags", ollama.tags)
	api.GET("/ps", ollama.ps)
	api.POST("/show", ollama.show)
	api.GET("/version", ollama.version)
	api.HEAD("/blobs/:digest", loras.hasBlob)
	change = api.Group("", s.requireAdmin, loras.needRegistry)
	change.POST("/blobs/:digest", loras.putBlob)
	change.POST("/create", loras.ollamaCreate)
	change.POST("/copy", loras.ollamaCopy)
	change.DELETE("/delete", loras.ollamaDelete)

	return r
}

func (s *server) noRoute(c *gin.Context) {
	s.fail(c, &Error{Status: 404, Type: invalidRequest, Code: "unknown_url",
		Message: "Unknown request URL: " + c.Request.Method + " " + clip(c.Request.URL.Path, 200) + ". The routes are listed at /openapi.yaml."}, "")
}

func (s *server) noMethod(c *gin.Context) {
	s.fail(c, &Error{Status: 405, Type: invalidRequest, Code: "method_not_allowed",
		Message: "Not allowed to " + c.Request.Method + " on " + clip(c.Request.URL.Path, 200) + ": use " + c.Writer.Header().Get("Allow") + "."}, "")
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// generator is what the routes that write text need.
type generator interface {
	Generate(ctx context.Context, req *serving.Request, emit func(serving.Event) error) (*serving.Result, error)
}
