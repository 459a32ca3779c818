package metrics

// Baseline are the values of BERTScore for unrelated texts, which rescaling maps to 0.
type Baseline struct{ P, R, F float64 }
