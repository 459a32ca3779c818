package store

import (
	"context"
	"fmt"
	"time"
)

// AdaptersTx changes the tables of adapters: all of it or, when it fails, nothing.
type AdaptersTx struct {
	Adapters
}

// ChangeAdapters runs f in a transaction that no other process or goroutine writes
// beside.
func (s *Store) ChangeAdapters(ctx context.Context, f func(AdaptersTx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(AdaptersTx{Adapters{compiled{s.statements, tx}}}); err != nil {
		return err
	}
	return tx.Commit()
}

// PutName makes or changes a name.
func (a AdaptersTx) PutName(ctx context.Context, n AdapterName) error {
	_, err := a.q.ExecContext(ctx, `INSERT INTO adapter_names (name, generation, staged, shadow, owner, notes, settings, created, updated)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET generation = excluded.generation, staged = excluded.staged, shadow = excluded.shadow, owner = excluded.owner,
		notes = excluded.notes, settings = excluded.settings, updated = excluded.updated`,
		n.Name, n.Generation, n.Staged, flag(n.Shadow), n.Owner, n.Notes, n.Settings, millis(n.Created), millis(n.Updated))
	return err
}

// DeleteName takes a name and its versions away. Errors: ErrNotFound.
func (a AdaptersTx) DeleteName(ctx context.Context, name string) error {
	result, err := a.q.ExecContext(ctx, `DELETE FROM adapter_names WHERE name = ?`, name)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return fmt.Errorf("adapter %q: %w", name, ErrNotFound)
}

// PutVersion makes a version the latest of its name, whose row is there already.
func (a AdaptersTx) PutVersion(ctx context.Context, v AdapterVersion) error {
	_, err := a.q.ExecContext(ctx, `INSERT INTO adapter_versions (name, generation, seq, previous, base, lineage, report, modules, created)
		VALUES (?, ?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM adapter_versions WHERE name = ?), ?, ?, ?, ?, ?, ?)
		ON CONFLICT (name, generation) DO UPDATE SET seq = excluded.seq, previous = excluded.previous, base = excluded.base,
		lineage = excluded.lineage, report = excluded.report, modules = excluded.modules`,
		v.Name, v.Generation, v.Name, v.Previous, v.Base, v.Lineage, v.Report, v.Modules, millis(v.Created))
	return err
}

// RaiseVersion makes a version that its name has already the latest one.
func (a AdaptersTx) RaiseVersion(ctx context.Context, v AdapterVersion) error {
	_, err := a.q.ExecContext(ctx, `UPDATE adapter_versions SET previous = ?,
		seq = (SELECT MAX(seq) + 1 FROM adapter_versions WHERE name = ?) WHERE name = ? AND generation = ?`,
		v.Previous, v.Name, v.Name, v.Generation)
	return err
}

// PruneVersions deletes the versions of a name beyond its latest ones; those that
// it stands for and holds staged stay and do not count. It tells how many went.
func (a AdaptersTx) PruneVersions(ctx context.Context, n AdapterName, keep int) (int64, error) {
	result, err := a.q.ExecContext(ctx, `DELETE FROM adapter_versions WHERE name = ? AND generation IN (
		SELECT generation FROM adapter_versions WHERE name = ? AND generation NOT IN (?, ?) ORDER BY seq DESC LIMIT 1000000 OFFSET ?)`,
		n.Name, n.Name, n.Generation, n.Staged, keep)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// PutGeneration notes a stored content, or the base that a known one was checked
// against last.
func (a AdaptersTx) PutGeneration(ctx context.Context, g AdapterGeneration) error {
	_, err := a.q.ExecContext(ctx, `INSERT INTO adapter_generations (generation, base, rank, bytes, memory, created) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (generation) DO UPDATE SET base = excluded.base, bytes = excluded.bytes, memory = excluded.memory`,
		g.Generation, g.Base, g.Rank, g.Bytes, g.Memory, millis(g.Created))
	return err
}

// DropGeneration forgets a content unless a name has it, and tells whether it did.
func (a AdaptersTx) DropGeneration(ctx context.Context, generation string) (bool, error) {
	result, err := a.q.ExecContext(ctx, `DELETE FROM adapter_generations WHERE generation = ?
		AND NOT EXISTS (SELECT 1 FROM adapter_versions WHERE generation = ?)`, generation, generation)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// maxEvents is how many events of a name are kept.
const maxEvents = 1000

// AddEvent adds to the history of a name.
func (a AdaptersTx) AddEvent(ctx context.Context, name string, e AdapterEvent) error {
	var seq int64
	err := a.q.QueryRowContext(ctx, `INSERT INTO adapter_events (name, seq, time, action, generation, author, note)
		VALUES (?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM adapter_events WHERE name = ?), ?, ?, ?, ?, ?) RETURNING seq`,
		name, name, millis(e.Time), e.Action, e.Generation, e.Author, e.Note).Scan(&seq)
	if err != nil || seq <= maxEvents {
		return err
	}
	_, err = a.q.ExecContext(ctx, `DELETE FROM adapter_events WHERE name = ? AND seq <= ?`, name, seq-maxEvents)
	return err
}

// ForgetEvents deletes the history of names that are no more and had no event since.
func (a AdaptersTx) ForgetEvents(ctx context.Context, since time.Time) error {
	_, err := a.q.ExecContext(ctx, `DELETE FROM adapter_events WHERE name NOT IN (SELECT name FROM adapter_names)
		AND name NOT IN (SELECT name FROM adapter_events WHERE time >= ?)`, millis(since))
	return err
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
