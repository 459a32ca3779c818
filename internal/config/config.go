// Package config is what a user may set: defaults in code, then a file, then
// the environment, then flags. It alone knows viper; everything else gets plain
// values. config.yaml in the root of the project lists every key.
package config

import "time"

// Config is everything that can be set.
type Config struct {
	Listen   string   `mapstructure:"listen"`
	DataDir  string   `mapstructure:"data_dir"` // never empty after Load
	Models   []string `mapstructure:"models"`
	Log      Log      `mapstructure:"log"`
	Server   Server   `mapstructure:"server"`
	Auth     Auth     `mapstructure:"auth"`
	Engine   Engine   `mapstructure:"engine"`
	Memory   Memory   `mapstructure:"memory"`
	Adapters Adapters `mapstructure:"adapters"`
	Training Training `mapstructure:"training"`
	Files    Files    `mapstructure:"files"`
	Hub      Hub      `mapstructure:"hub"`
	Tracing  Tracing  `mapstructure:"tracing"`

	// File is the file that was read, empty for none. Warnings are oddities that
	// do not stop the program. Neither is a key.
	File     string   `mapstructure:"-"`
	Warnings []string `mapstructure:"-"`
}

// Log is how the server logs.
type Log struct {
	Level   string `mapstructure:"level"`
	Format  string `mapstructure:"format"`
	Prompts bool   `mapstructure:"prompts"`
}

// Server is the HTTP side.
type Server struct {
	MaxBodyBytes      Bytes         `mapstructure:"max_body_bytes"`
	ReadHeaderTimeout time.Duration `mapstructure:"read_header_timeout"`
	ReadTimeout       time.Duration `mapstructure:"read_timeout"`
	IdleTimeout       time.Duration `mapstructure:"idle_timeout"`
	WriteTimeout      time.Duration `mapstructure:"write_timeout"` // of each write
	KeepAlive         time.Duration `mapstructure:"keep_alive"`
	RequestTimeout    time.Duration `mapstructure:"request_timeout"` // 0: none
	ShutdownTimeout   time.Duration `mapstructure:"shutdown_timeout"`
	Strict            bool          `mapstructure:"strict"`
	CORSOrigins       []string      `mapstructure:"cors_origins"`
	MaxN              int           `mapstructure:"max_n"`
	MaxPrompts        int           `mapstructure:"max_prompts"`
}

// Auth is who may use the API.
type Auth struct {
	Required Switch `mapstructure:"required"`
	// MaxConcurrent bounds the requests of one key at once; 0: no bound.
	MaxConcurrent int `mapstructure:"max_concurrent"`
}

// Engine is how models are computed.
type Engine struct {
	Threads        int    `mapstructure:"threads"` // 0: one for each core
	ISA            string `mapstructure:"isa"`
	Context        int    `mapstructure:"context"` // tokens; 0: the model's own
	KVType         string `mapstructure:"kv_type"`
	KVMemory       Bytes  `mapstructure:"kv_memory"`
	BlockTokens    int    `mapstructure:"block_tokens"`
	PrefixCache    bool   `mapstructure:"prefix_cache"`
	Exact          bool   `mapstructure:"exact"`
	MaxBatchTokens int    `mapstructure:"max_batch_tokens"`
	// MixedBatchTokens is MaxBatchTokens while answers are being written.
	MixedBatchTokens int `mapstructure:"mixed_batch_tokens"`
	MaxRunning       int `mapstructure:"max_running"` // sequences
	MaxQueue         int `mapstructure:"max_queue"`   // requests
	// Speculate computes guesses of the next tokens where that is faster.
	Speculate bool `mapstructure:"speculate"`
}

// Memory bounds what loaded models take.
type Memory struct {
	Budget Bytes `mapstructure:"budget"` // 0: a share of the machine's
}

// Adapters bounds what adapters may take, and says where they may come from.
type Adapters struct {
	Roots     []string `mapstructure:"roots"`
	Memory    Bytes    `mapstructure:"memory"` // of Engine.KVMemory; 0: half
	MaxRank   int      `mapstructure:"max_rank"`
	MaxBytes  Bytes    `mapstructure:"max_bytes"`  // of one adapter
	MaxStored Bytes    `mapstructure:"max_stored"` // of all together; 0: no limit
	Keep      int      `mapstructure:"keep"`       // generations of a name, for going back
	// RequireVerdict: names are given another generation only after a clear win.
	RequireVerdict bool `mapstructure:"promote_requires_verdict"`
}

// Training is how fine-tuning jobs share the machine.
type Training struct {
	MaxCores  int           `mapstructure:"max_cores"` // 0: all
	Yield     bool          `mapstructure:"yield"`
	MaxJobs   int           `mapstructure:"max_jobs"` // that have not ended
	KeepJobs  int           `mapstructure:"keep_jobs"`
	SaveEvery time.Duration `mapstructure:"save_every"`
	Webhooks  []Webhook     `mapstructure:"webhooks"`
}

// Webhook is an endpoint that is told when a job has ended.
type Webhook struct {
	URL string `mapstructure:"url"`
	// Secret signs what it is told: "whsec_…". Empty: GRAFT_WEBHOOK_SECRET of the
	// environment, as secrets do not belong in a file that gets copied around.
	Secret string `mapstructure:"secret"`
}

// Files bounds what clients may keep here.
type Files struct {
	MaxBytes  Bytes `mapstructure:"max_bytes"`  // of one file that comes at once
	MaxStored Bytes `mapstructure:"max_stored"` // of all together; 0: no limit
}

// Hub is where models come from.
type Hub struct {
	Offline        bool          `mapstructure:"offline"`
	HFEndpoint     string        `mapstructure:"hf_endpoint"`
	ConnectTimeout time.Duration `mapstructure:"connect_timeout"`
	// Token is HF_TOKEN of the environment. It is no key: secrets do not belong
	// in a file that gets copied around.
	Token string `mapstructure:"-"`
}

// Tracing is where spans are sent.
type Tracing struct {
	OTLPEndpoint string  `mapstructure:"otlp_endpoint"`
	SampleRatio  float64 `mapstructure:"sample_ratio"`
}

// Default is the configuration when nothing is said. DataDir is empty.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:8080",
		Models: []string{"smollm2-135m-instruct"},
		Log:    Log{Level: "info", Format: "auto"},
		Server: Server{
			MaxBodyBytes: 16 << 20, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
			WriteTimeout: 30 * time.Second, KeepAlive: 15 * time.Second,
			RequestTimeout: 10 * time.Minute, ShutdownTimeout: 30 * time.Second,
			Strict: true, CORSOrigins: []string{}, MaxN: 128, MaxPrompts: 2048,
		},
		Auth: Auth{Required: Auto},
		Engine: Engine{
			ISA: "auto", KVType: "auto", KVMemory: 512 << 20, BlockTokens: 32, PrefixCache: true, Exact: true,
			MaxBatchTokens: 512, MixedBatchTokens: 128, MaxRunning: 64, MaxQueue: 256, Speculate: true,
		},
		Adapters: Adapters{Roots: []string{}, MaxRank: 512, MaxBytes: 1 << 30, MaxStored: 16 << 30, Keep: 10},
		Training: Training{Yield: true, MaxJobs: 100, KeepJobs: 1000, SaveEvery: 30 * time.Second, Webhooks: []Webhook{}},
		Files:    Files{MaxBytes: 512 << 20, MaxStored: 32 << 30},
		Hub:      Hub{HFEndpoint: "https://huggingface.co", ConnectTimeout: 4 * time.Second},
		Tracing:  Tracing{SampleRatio: 1},
	}
}
