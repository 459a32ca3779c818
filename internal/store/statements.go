package store

import (
	"context"
	"database/sql"
	"sync"
)

// statements are queries that are compiled once: for SQLite that takes longer than most
// of them run. Their texts are constants, so they are few.
type statements struct {
	db *sql.DB

	mu  sync.Mutex
	all map[string]*sql.Stmt
}

func (s *statements) of(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.all[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.db.PrepareContext(ctx, query)
	if err == nil {
		s.all[query] = stmt
	}
	return stmt, err
}

// compiled runs queries by their statements; in a transaction when there is one.
type compiled struct {
	*statements
	tx *sql.Tx // nil: by itself
}

func (c compiled) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	s, err := c.of(ctx, query)
	if err == nil && c.tx != nil {
		s = c.tx.StmtContext(ctx, s)
	}
	return s, err
}

func (c compiled) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (c compiled) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := c.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (c compiled) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := c.stmt(ctx, query)
	if err != nil { // the row says so
		if c.tx != nil {
			return c.tx.QueryRowContext(ctx, query, args...)
		}
		return c.db.QueryRowContext(ctx, query, args...)
	}
	return s.QueryRowContext(ctx, args...)
}
