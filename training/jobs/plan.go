package jobs

// Plan is what a job is going to do.
type Plan struct {
	Recipe        string   `json:"recipe"`
	Choices       []Choice `json:"choices"`
	Examples      int      `json:"examples"`
	ValidExamples int      `json:"validation_examples"`
	Tokens        int      `json:"tokens"`  // of the examples, once
	Targets       int      `json:"targets"` // of them, tokens that are learnt
	Longest       int      `json:"longest"` // tokens of an example
	Steps         int      `json:"steps"`
	Parameters    int      `json:"parameters"` // trained
	Share         float64  `json:"share"`      // of the model's
	// Bytes and Seconds are estimates: of memory beside the model's, and of the whole
	// training by a short probe. 0: not measured yet.
	Bytes     int64   `json:"bytes"`
	Seconds   float64 `json:"seconds"`
	TokenRate float64 `json:"tokens_per_second"`
	// NeutralBits is what the base needs for a byte of the neutral text. 0: not
	// measured yet.
	NeutralBits float64 `json:"neutral_bits_per_byte"`
}

// Choice is a setting and the reason for it.
type Choice struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Why   string `json:"why"`
}
