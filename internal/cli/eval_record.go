package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

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

// resumable says of a disk that is full what to do about it.
func resumable(err error) error {
	const hint = "run the same command again, it goes on where it was"
	if err == nil || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) || strings.Contains(err.Error(), hint) {
		return err
	}
	return fmt.Errorf("%w: make room and %s", err, hint)
}
