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

// reconsider notes the verdict anew with the generation after a panel had its say. A
// generation that the server does not have any more is left alone.
func (c *client) reconsider(ctx context.Context, res *evalharness.Result, p *evalharness.Panel) error {
	main := res.Registered()
	if main == nil || main.A != p.A || main.B != p.B {
		return nil
	}
	a := res.Arm(main.A)
	if a == nil || a.Generation == "" {
		return nil
	}
	name, _, _ := strings.Cut(a.Model, "@")
	err := c.record(ctx, name, res)
	if r := (*refused)(nil); errors.As(err, &r) && r.status == http.StatusNotFound {
		return nil
	}
	return err
}

// resumable says of a disk that is full what to do about it.
func resumable(err error) error {
	const hint = "run the same command again, it goes on where it was"
	if err == nil || !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) || strings.Contains(err.Error(), hint) {
		return err
	}
	return fmt.Errorf("%w: make room and %s", err, hint)
}
