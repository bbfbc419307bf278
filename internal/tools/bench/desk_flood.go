// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coopkit/desk/wire"
	"coopkit/internal/sqlitedb"
)

// floodScript gives wrk the requests of a file, one after the other: its length,
// a space and the request. wrk asks for one before it begins, and throws it away.
const floodScript = `
local requests, sent = {}, 0
function init(args)
  local file = assert(io.open(args[1], "rb"))
  for length in function() return file:read("*n") end do
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
  collectgarbage("stop")
end
function request()
  sent = math.min(sent + 1, #requests)
  return requests[sent]
end
`

// reports lets wrk send reports of all boxes in turn, as fast as the desk answers.
// An answer counts when the desk's database has the report.
func (d *benchDesk) reports(ctx context.Context, boxes []*loadBox) (loaded, error) {
	each := int(deskMost*d.length.Seconds())/len(boxes) + 1
	if err := signAhead(ctx, boxes, each); err != nil {
		return loaded{}, err
	}
	requests, err := d.writeRequests(boxes, each)
	if err != nil {
		return loaded{}, err
	}
	script, err := d.file("flood.lua", floodScript)
	if err != nil {
		return loaded{}, err
	}
	sent, err := d.wrk(ctx, "/etc/hosts", deskConnections, "--script", script, d.url, "--", requests)
	if err != nil {
		return loaded{}, err
	}
	if sent.answered >= each*len(boxes) {
		return loaded{}, fmt.Errorf("the desk stored all of %d reports: the bench has to make more", sent.answered)
	}
	// What was on its way when wrk ended may still be stored.
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return loaded{}, context.Cause(ctx)
	}
	stored, err := d.catchUp(ctx, boxes)
	if err != nil {
		return loaded{}, err
	}
	if stored < sent.answered {
		return loaded{}, fmt.Errorf("the desk said that it stored %d reports, and has %d", sent.answered, stored)
	}
	return sent, nil
}

func (d *benchDesk) writeRequests(boxes []*loadBox, each int) (path string, err error) {
	path = filepath.Join(d.dir, "reports")
	f, err := os.Create(path) //nolint:gosec // in the folder of the run
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	write := func(request []byte) {
		_, _ = fmt.Fprintf(w, "%d ", len(request)) // Flush says what went wrong
		_, _ = w.Write(request)
	}
	write(boxes[0].signed[0].request) // for wrk to throw away
	for n := range each {
		for _, x := range boxes {
			write(x.signed[n].request)
		}
	}
	return path, w.Flush()
}

// catchUp lets each box know how far the desk has come, and returns how many
// reports that were.
func (d *benchDesk) catchUp(ctx context.Context, boxes []*loadBox) (stored int, err error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(d.state, "desk.db")+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	last := map[wire.BoxID]uint64{}
	_, err = sqlitedb.Query(ctx, db, func(rows *sql.Rows) (struct{}, error) {
		var id wire.BoxID
		var n uint64
		err := rows.Scan(&id, &n)
		last[id] = n
		return struct{}{}, err
	}, `SELECT id, first + length(heads) / 16 - 2 FROM box JOIN progress ON box = n`)
	if err != nil {
		return 0, fmt.Errorf("read how far the boxes have come: %w", err)
	}
	for _, x := range boxes {
		n := last[x.id] - x.acked
		if n > 0 {
			x.acked, x.head = last[x.id], x.signed[n-1].head
		}
		stored += int(n) //nolint:gosec // small
	}
	return stored, nil
}
