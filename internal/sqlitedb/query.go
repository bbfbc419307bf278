// SPDX-License-Identifier: AGPL-3.0-or-later

package sqlitedb

import (
	"context"
	"database/sql"
	"fmt"
)

// Querier is what rows are read from: the pool of Read or a transaction of
// Write.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Query returns what scan makes of each row that text gives, in their order.
// The first error ends it and nothing is returned; the rows are closed in any
// case. No rows give nil.
func Query[T any](ctx context.Context, q Querier, scan func(rows *sql.Rows) (T, error), text string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, text, args...)
	return scanAll(rows, err, scan)
}

// QueryPrepared is Query for a statement that is prepared.
func QueryPrepared[T any](ctx context.Context, s *sql.Stmt, scan func(rows *sql.Rows) (T, error), args ...any) ([]T, error) {
	rows, err := s.QueryContext(ctx, args...)
	return scanAll(rows, err, scan)
}

func scanAll[T any](rows *sql.Rows, failed error, scan func(rows *sql.Rows) (T, error)) (_ []T, err error) {
	if failed != nil {
		return nil, fmt.Errorf("query: %w", failed)
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return out, nil
}
