package evalharness

import "time"

// Schema is the version of Result's JSON form.
const Schema = "graft.eval/1"

// Result is the whole truth of a run: what was asked, of which models, what they
// answered, and what follows from it. Everything that is reported is computed from it.
type Result struct {
	Schema   string    `json:"schema"` // Schema
	ID       string    `json:"id"`     // "eval_…", from the settings' hash
	Name     string    `json:"name"`   // the task's
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Version  string    `json:"version"` // of graft

	Settings    Settings      `json:"settings"`
	Gold        Gold          `json:"gold"`
	Arms        []Arm         `json:"arms"`
	Comparisons []Comparison  `json:"comparisons"` // the first is the primary one
	Ladder      *Ladder       `json:"ladder,omitempty"`
	Search      *Search       `json:"search,omitempty"`
	Forgetting  *Forgetting   `json:"forgetting,omitempty"`
	Panel       *Panel        `json:"panel,omitempty"`  // of people who compared answers blindly
	Panels      []Panel       `json:"panels,omitempty"` // on other pairs of arms than the registered one; they have no say
	Ledger      []LedgerEntry `json:"ledger"`
	Judging     *Usage        `json:"judging,omitempty"` // what judges cost, on dev and gold
	Training    *Training     `json:"training,omitempty"`
	Lint        []LintFinding `json:"lint,omitempty"` // of the training rows
	Todo        []Todo        `json:"todo,omitempty"` // what to fix in the data, unless the win is clear
	Notes       []string      `json:"notes,omitempty"`
	// WithoutTexts: what data, prompts and answers say was taken out (report.WithoutTexts).
	WithoutTexts bool `json:"without_texts,omitempty"`
}

// Settings are what a run was told, fixed before the first answer.
type Settings struct {
	Task string `json:"task"` // the task file as it was read, YAML
	// Hash is the pre-registration: SHA-256 of task, gold, dev, metric signatures and
	// the frozen prompts' rules, hex. Written to the run's folder before gold is asked.
	Hash    string   `json:"hash"`
	Primary string   `json:"primary"` // name of the metric that decides
	Margin  float64  `json:"margin"`  // least difference that matters, in the metric's unit
	Metrics []Metric `json:"metrics"` // that were computed
	Labels  []string `json:"labels,omitempty"`
	// Opponent is the arm that preferences compare all others with.
	Opponent string `json:"opponent,omitempty"`
	Seed     int64  `json:"seed"`
	Base     string `json:"base"` // id of the model that the adapter is of
	// Identity is that of the base: an answer of another weights or engine is another's.
	Identity string `json:"base_identity,omitempty"`
}

// Metric describes a metric: two values compare only where the signatures are equal.
type Metric struct {
	Name      string  `json:"name"`
	Signature string  `json:"signature"`
	Kind      string  `json:"kind"`  // binary, continuous, corpus, preference
	Scale     float64 `json:"scale"` // 1 or 100
	Doc       string  `json:"doc,omitempty"`
	// Spec are the options that it was asked for with; nil: none.
	Spec *MetricSpec `json:"options,omitempty"`
}

// Gold is the set of cases that the verdict rests on.
type Gold struct {
	File  string `json:"file"`
	Hash  string `json:"hash"` // SHA-256 of the file, hex
	Cases []Case `json:"cases"`
}

// Case is a question with what counts as right.
type Case struct {
	ID         string    `json:"id"`
	Line       int       `json:"line,omitempty"`
	Messages   []Message `json:"messages"` // without the answer
	References []string  `json:"references"`
	RefHash    string    `json:"reference_hash"` // SHA-256 of the references, hex
	Tags       []string  `json:"tags,omitempty"` // slices it belongs to
	Cluster    string    `json:"cluster,omitempty"`
	Raw        bool      `json:"raw,omitempty"` // the prompt of a completion, not a conversation
}

// Message is a message of a prompt.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Kinds of arms: the rungs of the ladder, then what else can be compared.
const (
	KindZeroShot         = "zero_shot"
	KindFewShot          = "few_shot"
	KindChainOfThought   = "chain_of_thought"
	KindRetrieval        = "retrieval"
	KindBestPrompt       = "best_prompt" // the winner of the search on dev
	KindAdapter          = "adapter"
	KindAdapterRetrieval = "adapter_retrieval"
	KindRemote           = "remote" // another endpoint's model
)

// Arm is one way to answer, and what came of it.
type Arm struct {
	Name       string           `json:"name"`
	Kind       string           `json:"kind"`
	Model      string           `json:"model"`                // as asked for
	Generation string           `json:"generation,omitempty"` // of the adapter, "sha256:…"
	Prompt     Prompt           `json:"prompt"`
	Primary    float64          `json:"primary"` // value of the primary metric
	Metrics    map[string]Value `json:"metrics"`
	Confusion  *Confusion       `json:"confusion,omitempty"` // of tasks with labels
	Invalid    float64          `json:"invalid_rate"`        // share of answers that are no label, or not in the format wanted
	Answers    []Answer         `json:"answers"`             // in the order of the cases
	Usage      Usage            `json:"usage"`               // on gold
	Failed     int              `json:"failed"`              // answers that never came: they count as empty
}

// Prompt is how an arm asks. Its Hash stands for all of it.
type Prompt struct {
	Hash        string    `json:"hash"` // SHA-256 of the other fields, hex
	Variant     string    `json:"variant"`
	Instruction string    `json:"instruction,omitempty"` // system message
	Suffix      string    `json:"suffix,omitempty"`      // put behind the question
	Shots       int       `json:"shots,omitempty"`
	Choose      string    `json:"choose,omitempty"`    // random or nearest: how examples are found
	Examples    []Example `json:"examples,omitempty"`  // the fixed ones
	Documents   int       `json:"documents,omitempty"` // texts that are retrieved for each case
	Thinks      bool      `json:"thinks,omitempty"`    // chain of thought: the answer follows a marker
	Constrained bool      `json:"constrained,omitempty"`
	MaxTokens   int       `json:"max_tokens"`
	Temperature float64   `json:"temperature"`
}

// Example is a solved case of the training rows.
type Example struct {
	Line     int    `json:"line"`
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// Value is a metric's value for an arm, with an interval of 95 %.
type Value struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Details tell more of it, by name: precision and recall, empty answers, a judge's
	// consistency and the judgements that could not be read.
	Details map[string]float64 `json:"details,omitempty"`
}

// Answer is what an arm said to a case.
type Answer struct {
	Case   string             `json:"case"`
	Output string             `json:"output"`           // what is scored
	Raw    string             `json:"raw,omitempty"`    // all of it, where that is more than Output
	Asked  []Message          `json:"asked"`            // the very messages
	Scores map[string]float64 `json:"scores"`           // of metrics that have a value per case
	Usage  Usage              `json:"usage"`            //
	Error  string             `json:"error,omitempty"`  // why there is none
	Cached bool               `json:"cached,omitempty"` // taken from the journal of this or an earlier run
	Finish string             `json:"finish,omitempty"`
	// Unanswered: no answer came, for reasons that are not the model's.
	Unanswered bool `json:"unanswered,omitempty"`

	invalid bool // empty, or none of the labels
}

// Usage counts what was spent.
type Usage struct {
	Calls            int     `json:"calls"`
	PromptTokens     int     `json:"prompt_tokens"`
	CompletionTokens int     `json:"completion_tokens"`
	Ms               float64 `json:"ms"`             // time of the calls, one after the other
	FirstMs          float64 `json:"first_ms"`       // until the first token, mean
	Cost             float64 `json:"cost,omitempty"` // in the task's currency, where prices are given
}

// Confusion counts answers: Counts[i][j] are the cases of label i that were answered
// with label j; the last column are answers that are none of the labels.
type Confusion struct {
	Labels []string `json:"labels"`
	Counts [][]int  `json:"counts"`
}

// Comparison is a paired comparison of two arms: positive differences are A's.
type Comparison struct {
	A       string `json:"a"`
	B       string `json:"b"`
	Metric  string `json:"metric"`
	Primary bool   `json:"primary"` // registered beforehand; others are exploratory
	// Crossfit: B's prompts were chosen on other cases of the gold set (Search.Folds).
	Crossfit bool `json:"crossfit,omitempty"`
	// Through is the arm that both were compared with, where a preference was not asked
	// for between the two.
	Through string  `json:"through,omitempty"`
	Verdict Verdict `json:"verdict"`
	Slices  []Slice `json:"slices,omitempty"`
	Flips   []Flip  `json:"flips,omitempty"` // cases that one arm has better
}

// Slice is a comparison of the cases with a tag.
type Slice struct {
	Tag      string  `json:"tag"`
	N        int     `json:"n"`
	A        float64 `json:"a"`
	B        float64 `json:"b"`
	Diff     float64 `json:"diff"`
	Low95    float64 `json:"low95"`
	High95   float64 `json:"high95"`
	P        float64 `json:"p"`
	Adjusted float64 `json:"p_adjusted"` // Holm, over the slices
}

// Flip is a case that the arms answered differently well.
type Flip struct {
	Case string  `json:"case"`
	A    float64 `json:"a"`
	B    float64 `json:"b"`
}

// Ladder is what each rung costs and brings.
type Ladder struct {
	Rungs     []Rung `json:"rungs"`     // from the cheapest to build upwards
	Best      string `json:"best"`      // arm with the highest value
	Recommend string `json:"recommend"` // the cheapest that is statistically tied with the best
	Advice    string `json:"advice"`    // in a sentence
}

// Rung is an arm of the ladder.
type Rung struct {
	Arm            string   `json:"arm"`
	Kind           string   `json:"kind"`
	Value          float64  `json:"value"`
	Low            float64  `json:"low"`
	High           float64  `json:"high"`
	PromptTokens   float64  `json:"prompt_tokens"`     // a case
	Tokens         float64  `json:"completion_tokens"` // a case
	Ms             float64  `json:"ms"`                // a case
	CostPerCorrect *float64 `json:"cost_per_correct"`  // ms of computing, or money; nil: nothing was correct
	CostUnit       string   `json:"cost_unit"`         // "ms" or the task's currency
	Tied           bool     `json:"tied"`              // with the best
	P              float64  `json:"p"`                 // against the best
}

// Search is how the base's best prompt was found.
type Search struct {
	DevRows int    `json:"dev_rows"`
	DevHash string `json:"dev_hash"`
	// Crossfit: there were no rows but gold, so that the prompt for a fifth of it was
	// chosen on the other four (Folds); the rest of the fields sums them up.
	Crossfit   bool        `json:"crossfit,omitempty"`
	Folds      []Fold      `json:"folds,omitempty"`
	Proposer   string      `json:"proposer,omitempty"` // model that wrote the instructions called proposed-…
	Budget     int         `json:"budget"`             // calls that were allowed
	Usage      Usage       `json:"usage"`
	Judging    *Usage      `json:"judging,omitempty"` // of the candidates' answers
	Candidates []Candidate `json:"candidates"`        // the best first
	Winner     string      `json:"winner"`            // variant
	WinnerHash string      `json:"winner_hash"`
	Frozen     time.Time   `json:"frozen"`
	// Shrinkage is the winner's value on dev less that on gold: how much of it was luck.
	DevValue  float64 `json:"dev_value"`
	DevLow    float64 `json:"dev_low"` // with 95 %
	DevHigh   float64 `json:"dev_high"`
	GoldValue float64 `json:"gold_value"`
	Shrinkage float64 `json:"shrinkage"`
}

// Fold is a part of the gold set whose prompt was chosen on the others.
type Fold struct {
	Cases  []string `json:"cases"`
	Search Search   `json:"search"`
}

// Candidate is a prompt that was tried.
type Candidate struct {
	Prompt Prompt  `json:"prompt"`
	Rows   int     `json:"rows"` // of dev that it was asked
	Value  float64 `json:"value"`
	Usage  Usage   `json:"usage"`
	Out    string  `json:"out,omitempty"` // why it was dropped before all rows were asked
}

// Forgetting is what the adapter unlearnt of general knowledge.
type Forgetting struct {
	Suite     string             `json:"suite"` // name and version
	Items     int                `json:"items"`
	Base      float64            `json:"base"`    // accuracy
	Adapter   float64            `json:"adapter"` //
	Diff      float64            `json:"diff"`
	Low95     float64            `json:"low95"` // one-sided
	Margin    float64            `json:"margin"`
	Passed    bool               `json:"passed"`
	Needed    int                `json:"needed,omitempty"` // items that would certify it
	BaseBPB   float64            `json:"base_bits_per_byte"`
	AdaptBPB  float64            `json:"adapter_bits_per_byte"`
	Subjects  []ForgettingByPart `json:"subjects,omitempty"`
	Advice    string             `json:"advice,omitempty"`
	Generated *ForgettingByPart  `json:"generated,omitempty"` // the part that is generated, not scored
}

// ForgettingByPart is a part of the suite.
type ForgettingByPart struct {
	Name    string  `json:"name"`
	Items   int     `json:"items"`
	Base    float64 `json:"base"`
	Adapter float64 `json:"adapter"`
}

// LedgerEntry is what an arm was given: rows it could learn from, and what was spent
// on choosing it and on asking it.
type LedgerEntry struct {
	Arm       string `json:"arm"`
	TrainRows int    `json:"train_rows"` // seen, as training or as pool of examples
	DevRows   int    `json:"dev_rows"`
	Choosing  Usage  `json:"choosing"` // search on dev
	Asking    Usage  `json:"asking"`   // gold
	Trained   int64  `json:"trained_tokens,omitempty"`
}

// Training is the job that made the adapter, when the run made it.
type Training struct {
	Job        string          `json:"job"`
	Rows       int             `json:"rows"`
	Validation int             `json:"validation_rows"`
	Tokens     int64           `json:"trained_tokens"`
	Seconds    float64         `json:"seconds"`
	Hyper      map[string]any  `json:"hyperparameters,omitempty"`
	Loss       []TrainingPoint `json:"loss,omitempty"`
	Promoted   string          `json:"promoted,omitempty"` // alias that stands for it now
}

// TrainingPoint is a step of the loss curve.
type TrainingPoint struct {
	Step  int      `json:"step"`
	Train float64  `json:"train"`
	Valid *float64 `json:"valid,omitempty"`
}

// LintFinding is what a check of the training rows said.
type LintFinding struct {
	Check    string `json:"check"`
	Severity string `json:"severity"`
	Message  string `json:"message"`
	Fix      string `json:"fix"`
	Lines    []int  `json:"lines,omitempty"`
	Count    int    `json:"count"`
}

// Todo is something to fix in the data.
type Todo struct {
	Kind  string   `json:"kind"` // cases, slice, lint, size, format
	Text  string   `json:"text"`
	Cases []string `json:"cases,omitempty"`
	Lines []int    `json:"lines,omitempty"` // of the training file
}
