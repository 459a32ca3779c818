package jobs

// Methods of fine-tuning.
const (
	Supervised = "supervised"
	DPO        = "dpo"
)

// Spec is what a job is made of.
type Spec struct {
	Model          string // id of the base; "": the default
	TrainingFile   string // id
	ValidationFile string // id; "": a part of the training file is held out
	Suffix         string
	Seed           *int64 // nil: one is drawn
	Method         string // supervised, dpo; "": supervised
	Hyper          Hyper
	Settings       Settings
	Metadata       map[string]string
	Owner          string // id of the API key; "": none
}

// Hyper are OpenAI's hyperparameters. Zero is "auto".
type Hyper struct {
	Epochs         int     `json:"n_epochs"`                 // 1 … 50
	Batch          int     `json:"batch_size"`               // 1 … 256
	RateMultiplier float64 `json:"learning_rate_multiplier"` // of the recipe's learning rate
	Beta           float64 `json:"beta,omitempty"`           // of dpo, up to 2
}

// Settings are graft's own; nil and empty leave the choice to the recipe. The keys are
// those of requests, unknown ones are to be refused.
type Settings struct {
	Recipe       string   `json:"recipe,omitempty"` // classic, auto (the default)
	Rank         *int     `json:"rank,omitempty"`
	Alpha        *float64 `json:"alpha,omitempty"`
	Dropout      *float64 `json:"dropout,omitempty"`
	Targets      []string `json:"targets,omitempty"` // ends of modules' paths, or "all-linear"
	RSLoRA       *bool    `json:"rslora,omitempty"`
	DoRA         *bool    `json:"dora,omitempty"`
	LearningRate *float64 `json:"learning_rate,omitempty"` // in the place of multiplier × recipe's
	Schedule     string   `json:"schedule,omitempty"`      // constant, cosine, linear
	Warmup       *int     `json:"warmup_steps,omitempty"`
	WeightDecay  *float64 `json:"weight_decay,omitempty"`
	Clip         *float64 `json:"max_grad_norm,omitempty"`               // 0: none
	Accumulation *int     `json:"gradient_accumulation_steps,omitempty"` // batches of a step
	MaxLength    *int     `json:"max_length,omitempty"`                  // tokens; longer rows are refused
	Packing      *bool    `json:"packing,omitempty"`                     // rows are computed side by side
	Precision    string   `json:"precision,omitempty"`                   // float32, bf16x2, bf16: of products with weights
	Patience     *int     `json:"patience,omitempty"`                    // 0: no early stop
	MinDelta     *float64 `json:"min_delta,omitempty"`                   // nats
	EvalSteps    *int     `json:"eval_steps,omitempty"`                  // 0: each epoch
	ValidShare   *float64 `json:"validation_share,omitempty"`            // held out where there is no validation file; 0: nothing
	// MaxForgetting ends the job when a checkpoint needs so many more bits for a byte
	// of neutral text than the base, as a share of the base's; nil: no bound.
	MaxForgetting *float64 `json:"max_forgetting,omitempty"`
}
