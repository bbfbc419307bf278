// SPDX-License-Identifier: AGPL-3.0-or-later

package sqlitedb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"
)

// connector opens connections that count the statements that are sent one by
// one; prepared ones are not counted.
type connector struct {
	dsn  string
	sent *atomic.Int64
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.Driver().Open(c.dsn)
	if err != nil {
		return nil, err
	}
	lite, ok := conn.(*sqlite3.SQLiteConn)
	if !ok {
		return nil, fmt.Errorf("open database: the driver gives a %T", conn)
	}
	return &counted{lite, c.sent}, nil
}

// Driver implements driver.Connector.
func (connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

type counted struct {
	*sqlite3.SQLiteConn
	sent *atomic.Int64
}

// QueryContext implements driver.QueryerContext.
func (c *counted) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.sent.Add(1)
	return c.SQLiteConn.QueryContext(ctx, query, args)
}

// ExecContext implements driver.ExecerContext.
func (c *counted) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.sent.Add(1)
	return c.SQLiteConn.ExecContext(ctx, query, args)
}

// Statements is how many statements were sent since Open: how many a page needs
// is a promise of the benchmarks.
func (db *DB) Statements() int64 { return db.sent.Load() }
