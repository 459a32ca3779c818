package app

import (
	"fmt"

	"graft/adapters"
	"graft/internal/model"
	"graft/serving"
)

// compile makes an adapter ready to compute with.
func compile(b *adapters.Bound) (*model.Adapter, error) {
	return nil, fmt.Errorf("%w: this engine computes without adapters", serving.ErrAdapter)
}
