package main

import (
	"context"
	"errors"
)

func (b *bench) recipes(ctx context.Context) error { return errors.New("not yet") }
func (b *bench) job(ctx context.Context) error     { return errors.New("not yet") }
func (b *bench) yield(ctx context.Context) error   { return errors.New("not yet") }
func (b *bench) write(path string) error           { return errors.New("not yet") }
