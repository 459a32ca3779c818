package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// AdapterName is a name of an adapter.
type AdapterName struct {
	Name       string
	Generation string // that it stands for; empty: none yet
	Staged     string // generation that waits to be promoted; empty: none
	Shadow     bool   // the name may be that of a model
	Owner      string
	Notes      string
	Settings   string // JSON
	Created    time.Time
	Updated    time.Time
}

// AdapterVersion is a generation that a name stands for, stood for, or holds
// staged.
type AdapterVersion struct {
	Name       string
	Generation string
	Seq        int64  // rises each time that the name is given a generation
	Previous   string // generation that the name stood for before this one
	Base       string
	Lineage    string // JSON
	Report     string // JSON, without the modules
	Modules    string // JSON
	Created    time.Time
}

// AdapterGeneration is a stored content.
type AdapterGeneration struct {
	Generation string
	Base       string // id of the model that it was last checked against
	Rank       int
	Bytes      int64 // on disk
	Memory     int64 // once it is compiled for that model
	Created    time.Time
}

// AdapterEntry is a name with the version that it stands for, or else holds staged.
type AdapterEntry struct {
	AdapterName
	Version AdapterVersion
	Rank    int
	Bytes   int64
}

// AdapterEvent is a step in the history of a name.
type AdapterEvent struct {
	Time       time.Time
	Action     string
	Generation string
	Author     string
	Note       string
}

// querier is a database or a transaction.
type querier interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// Adapters reads the tables of adapters.
type Adapters struct{ q querier }

// Adapters are the tables of adapters as they are now.
func (s *Store) Adapters() Adapters { return Adapters{compiled{s.statements, nil}} }

const entryColumns = `n.name, n.generation, n.staged, n.shadow, n.owner, n.notes, n.settings, n.created, n.updated,
	v.generation, v.seq, v.previous, v.base, v.lineage, v.report, v.created, g.rank, g.bytes`

const entryTables = ` FROM adapter_names n
	JOIN adapter_versions v ON v.name = n.name AND v.generation = CASE WHEN n.generation = '' THEN n.staged ELSE n.generation END
	JOIN adapter_generations g ON g.generation = v.generation`

func scanEntry(scan func(...any) error, more ...any) (AdapterEntry, error) {
	var e AdapterEntry
	var created, updated, added int64
	v := &e.Version
	err := scan(append([]any{&e.Name, &e.Generation, &e.Staged, &e.Shadow, &e.Owner, &e.Notes, &e.Settings, &created, &updated,
		&v.Generation, &v.Seq, &v.Previous, &v.Base, &v.Lineage, &v.Report, &added, &e.Rank, &e.Bytes}, more...)...)
	v.Name, e.Created, e.Updated, v.Created = e.Name, moment(created), moment(updated), moment(added)
	return e, err
}

// Entries lists all names, sorted. Version.Modules is left out.
func (a Adapters) Entries(ctx context.Context) ([]AdapterEntry, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT `+entryColumns+entryTables+` ORDER BY n.name`)
	return collect(rows, err, func(scan func(...any) error) (AdapterEntry, error) { return scanEntry(scan) })
}

// Entry returns a name and its version. Errors: ErrNotFound.
func (a Adapters) Entry(ctx context.Context, name string) (AdapterEntry, error) {
	var modules string
	row := a.q.QueryRowContext(ctx, `SELECT `+entryColumns+`, v.modules`+entryTables+` WHERE n.name = ?`, name)
	e, err := scanEntry(row.Scan, &modules)
	e.Version.Modules = modules
	return e, notFound(err, fmt.Sprintf("adapter %q", name))
}

// Head is Entry without Version.Modules. Errors: ErrNotFound.
func (a Adapters) Head(ctx context.Context, name string) (AdapterEntry, error) {
	e, err := scanEntry(a.q.QueryRowContext(ctx, `SELECT `+entryColumns+entryTables+` WHERE n.name = ?`, name).Scan)
	return e, notFound(err, fmt.Sprintf("adapter %q", name))
}

// SettingsOf lists the settings of the names that stand for a generation, or hold it
// staged while they stand for none.
func (a Adapters) SettingsOf(ctx context.Context, generation string) ([]string, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT n.settings FROM adapter_versions v JOIN adapter_names n ON n.name = v.name
		WHERE v.generation = ? AND v.generation = CASE WHEN n.generation = '' THEN n.staged ELSE n.generation END`, generation)
	return collect(rows, err, func(scan func(...any) error) (s string, err error) { return s, scan(&s) })
}

// Name returns a name. Errors: ErrNotFound.
func (a Adapters) Name(ctx context.Context, name string) (AdapterName, error) {
	n := AdapterName{Name: name}
	var created, updated int64
	err := a.q.QueryRowContext(ctx, `SELECT generation, staged, shadow, owner, notes, settings, created, updated FROM adapter_names WHERE name = ?`, name).
		Scan(&n.Generation, &n.Staged, &n.Shadow, &n.Owner, &n.Notes, &n.Settings, &created, &updated)
	n.Created, n.Updated = moment(created), moment(updated)
	return n, notFound(err, fmt.Sprintf("adapter %q", name))
}

const versionColumns = `name, generation, seq, previous, base, lineage, report, modules, created`

func scanVersion(scan func(...any) error) (AdapterVersion, error) {
	var v AdapterVersion
	var created int64
	err := scan(&v.Name, &v.Generation, &v.Seq, &v.Previous, &v.Base, &v.Lineage, &v.Report, &v.Modules, &created)
	v.Created = moment(created)
	return v, err
}

// Versions lists the versions of a name whose generations lie from low to high,
// the latest first.
func (a Adapters) Versions(ctx context.Context, name, low, high string) ([]AdapterVersion, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT `+versionColumns+` FROM adapter_versions
		WHERE name = ? AND generation BETWEEN ? AND ? ORDER BY seq DESC, generation`, name, low, high)
	return collect(rows, err, scanVersion)
}

// VersionsOf lists the versions of all names whose generations lie from low to
// high, the latest of each name first.
func (a Adapters) VersionsOf(ctx context.Context, low, high string) ([]AdapterVersion, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT `+versionColumns+` FROM adapter_versions
		WHERE generation BETWEEN ? AND ? ORDER BY name, seq DESC, generation`, low, high)
	return collect(rows, err, scanVersion)
}

// Generation returns a stored content. Errors: ErrNotFound.
func (a Adapters) Generation(ctx context.Context, generation string) (AdapterGeneration, error) {
	g := AdapterGeneration{Generation: generation}
	var created int64
	err := a.q.QueryRowContext(ctx, `SELECT base, rank, bytes, memory, created FROM adapter_generations WHERE generation = ?`, generation).
		Scan(&g.Base, &g.Rank, &g.Bytes, &g.Memory, &created)
	g.Created = moment(created)
	return g, notFound(err, "generation "+generation)
}

// Generations lists what is stored, the oldest first.
func (a Adapters) Generations(ctx context.Context) ([]AdapterGeneration, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT generation, base, rank, bytes, memory, created FROM adapter_generations ORDER BY created, generation`)
	return collect(rows, err, func(scan func(...any) error) (AdapterGeneration, error) {
		var g AdapterGeneration
		var created int64
		err := scan(&g.Generation, &g.Base, &g.Rank, &g.Bytes, &g.Memory, &created)
		g.Created = moment(created)
		return g, err
	})
}

// Unused lists the generations that no name has.
func (a Adapters) Unused(ctx context.Context) ([]string, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT generation FROM adapter_generations g
		WHERE NOT EXISTS (SELECT 1 FROM adapter_versions v WHERE v.generation = g.generation)`)
	return collect(rows, err, func(scan func(...any) error) (g string, err error) { return g, scan(&g) })
}

// Bytes is what all generations take on disk.
func (a Adapters) Bytes(ctx context.Context) (n int64, err error) {
	err = a.q.QueryRowContext(ctx, `SELECT COALESCE(SUM(bytes), 0) FROM adapter_generations`).Scan(&n)
	return n, err
}

// Events is what happened to a name, the latest first.
func (a Adapters) Events(ctx context.Context, name string) ([]AdapterEvent, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT time, action, generation, author, note FROM adapter_events WHERE name = ? ORDER BY seq DESC`, name)
	return collect(rows, err, func(scan func(...any) error) (AdapterEvent, error) {
		var e AdapterEvent
		var at int64
		err := scan(&at, &e.Action, &e.Generation, &e.Author, &e.Note)
		e.Time = moment(at)
		return e, err
	})
}

// collect reads all rows of a query.
func collect[T any](rows *sql.Rows, err error, scan func(func(...any) error) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// ResolveAdapter returns what a name stands for, as fast as can be: the generation,
// the model, and the settings as JSON. Errors: ErrNotFound, also for a name that
// only holds something staged.
func (s *Store) ResolveAdapter(ctx context.Context, name string) (generation, base, settings string, err error) {
	err = s.resolve.QueryRowContext(ctx, name).Scan(&generation, &base, &settings)
	return generation, base, settings, notFound(err, fmt.Sprintf("adapter %q", name))
}

const resolveQuery = `SELECT n.generation, v.base, n.settings FROM adapter_names n
	JOIN adapter_versions v ON v.name = n.name AND v.generation = n.generation WHERE n.name = ?`

// Names lists the names that stand for each generation, sorted.
func (a Adapters) Names(ctx context.Context) (map[string][]string, error) {
	rows, err := a.q.QueryContext(ctx, `SELECT name, generation FROM adapter_names WHERE generation <> '' ORDER BY name`)
	names := map[string][]string{}
	_, err = collect(rows, err, func(scan func(...any) error) (struct{}, error) {
		var name, generation string
		err := scan(&name, &generation)
		names[generation] = append(names[generation], name)
		return struct{}{}, err
	})
	return names, err
}
