package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Role is what a key may do.
type Role string

// Roles.
const (
	User  Role = "user"  // use models
	Admin Role = "admin" // everything
)

// Key is an API key. The secret itself is kept nowhere.
type Key struct {
	ID       string // "key-…"
	Name     string
	Role     Role
	Hint     string // the secret's beginning
	Created  time.Time
	LastUsed time.Time // to the minute; zero: never
	Revoked  time.Time // zero: valid
}

const secretPrefix = "sk-graft-"

// useStep is how exact LastUsed is: writing it for each request would cost a
// disk flush each.
const useStep = time.Minute

// CreateKey makes a key and returns its secret, which cannot be read again.
// Errors: ErrExists when a valid key has the name.
func (s *Store) CreateKey(ctx context.Context, name string, role Role) (Key, string, error) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 200 {
		return Key{}, "", fmt.Errorf("key: a name of 1 to 200 bytes is needed")
	}
	if role != User && role != Admin {
		return Key{}, "", fmt.Errorf("key %q: role %q is not one of %s, %s", name, role, User, Admin)
	}
	secret := secretPrefix + rand.Text() + rand.Text() // 260 bits
	k := Key{
		ID: "key-" + strings.ToLower(rand.Text())[:12], Name: name, Role: role,
		Hint: secret[:len(secretPrefix)+4], Created: s.now().UTC().Truncate(time.Millisecond),
	}
	result, err := s.db.ExecContext(ctx, `INSERT INTO keys (id, name, role, hash, hint, created, last_used, revoked)
		SELECT ?, ?, ?, ?, ?, ?, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM keys WHERE name = ? AND revoked = 0)`,
		k.ID, k.Name, k.Role, hash(secret), k.Hint, millis(k.Created), k.Name)
	if err != nil {
		return Key{}, "", err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return Key{}, "", fmt.Errorf("key %q: %w", name, ErrExists)
	}
	return k, secret, nil
}

const keyColumns = `id, name, role, hint, created, last_used, revoked`

func scanKey(scan func(...any) error) (Key, error) {
	var k Key
	var created, used, revoked int64
	err := scan(&k.ID, &k.Name, &k.Role, &k.Hint, &created, &used, &revoked)
	k.Created, k.LastUsed, k.Revoked = moment(created), moment(used), moment(revoked)
	return k, err
}

// Keys lists all keys, revoked ones included, oldest first.
func (s *Store) Keys(ctx context.Context) ([]Key, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+keyColumns+` FROM keys ORDER BY created, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []Key
	for rows.Next() {
		k, err := scanKey(rows.Scan)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, rows.Err()
}

// Authenticate returns the valid key that a secret belongs to, and notes its
// use. Errors: ErrNotFound.
func (s *Store) Authenticate(ctx context.Context, secret string) (Key, error) {
	if !strings.HasPrefix(secret, secretPrefix) || len(secret) > 200 {
		return Key{}, fmt.Errorf("key: %w", ErrNotFound)
	}
	k, err := scanKey(s.db.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM keys WHERE hash = ? AND revoked = 0`, hash(secret)).Scan)
	if err != nil {
		return Key{}, notFound(err, "key")
	}
	if now := s.now(); now.Sub(k.LastUsed) >= useStep {
		if _, err := s.db.ExecContext(ctx, `UPDATE keys SET last_used = ? WHERE id = ?`, millis(now), k.ID); err != nil {
			return Key{}, err
		}
	}
	return k, nil
}

// RevokeKey ends a key by its id or, when only one valid key has it, its name.
// Errors: ErrNotFound.
func (s *Store) RevokeKey(ctx context.Context, idOrName string) (Key, error) {
	k, err := scanKey(s.db.QueryRowContext(ctx,
		`UPDATE keys SET revoked = ? WHERE (id = ? OR name = ?) AND revoked = 0 RETURNING `+keyColumns,
		millis(s.now()), idOrName, idOrName).Scan)
	return k, notFound(err, fmt.Sprintf("key %q", idOrName))
}

// CountKeys counts the valid keys.
func (s *Store) CountKeys(ctx context.Context) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM keys WHERE revoked = 0`).Scan(&n)
	return n, err
}

// hash is enough without salt and stretching: secrets are random, not chosen.
func hash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}
