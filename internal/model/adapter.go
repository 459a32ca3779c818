package model

// Adapter is one adapter made ready to compute with: what it adds to the
// projections of one model. It is read-only: any number of passes may use it.
type Adapter struct {
	Generation string // digest of its content: "sha256:…"
	Bytes      int64  // of memory that it holds
}

// Weighted is an adapter, and the factor on what it adds.
type Weighted struct {
	*Adapter
	Weight float32 // 1: as trained
}
