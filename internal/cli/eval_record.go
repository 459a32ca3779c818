package cli

import (
	"context"
	"fmt"
	"net/http"

	"graft/evalharness"
)

// record notes the verdict of an evaluation with the generation that it is about, which
// name has. Only what the verdict follows from is sent: no question, no prompt.
func (c *client) record(ctx context.Context, name string, res *evalharness.Result) error {
	evidence, err := res.Evidence()
	if err == nil {
		err = c.call(ctx, http.MethodPost, adapterPath(name, "verdicts"), evidence, nil)
	}
	if err != nil {
		return fmt.Errorf("the verdict was not noted with %s: %w", name, err)
	}
	return nil
}
