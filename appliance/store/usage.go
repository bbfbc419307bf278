// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"coopkit/appliance"
	"coopkit/internal/sqlitedb"
)

// UsageApps implements usage.Store: the installs whose usage is measured, with
// when each was made.
func (s *Store) UsageApps(ctx context.Context) (map[appliance.InstallName]time.Time, error) {
	apps := map[appliance.InstallName]time.Time{}
	_, err := sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (none struct{}, err error) {
		var name appliance.InstallName
		var created sql.NullInt64
		if err = rows.Scan(&name, &created); err == nil {
			apps[name] = moment(created)
		}
		return none, err
	}, `SELECT name, created FROM install WHERE scratch = 0`)
	return apps, err
}

// SaveUsage implements usage.Store. What is in a slot about an install that is no
// more is left out.
func (s *Store) SaveUsage(ctx context.Context, slots []appliance.UsageSlot) error {
	return s.db.Write(ctx, func(tx *sql.Tx) error {
		ids, err := usageIDs(ctx, tx, slots)
		if err != nil {
			return err
		}
		for _, slot := range slots {
			place := slot.Begins.UnixNano() / int64(slot.Span.Slot()) % int64(slot.Span.Slots())
			if _, err := tx.ExecContext(ctx, `INSERT INTO usage_slot (span, place, begins, used) VALUES (?, ?, ?, ?)
				ON CONFLICT (span, place) DO UPDATE SET begins = excluded.begins, used = excluded.used`,
				slot.Span, max(place, -place), millis(slot.Begins), packUsage(slot.Of, ids)); err != nil {
				return fmt.Errorf("save usage: %w", err)
			}
		}
		return nil
	})
}

// usageIDs returns the ids of all that the slots are about, and gives one to
// whatever has none.
func usageIDs(ctx context.Context, tx *sql.Tx, slots []appliance.UsageSlot) (map[appliance.InstallName]uint64, error) {
	ids, err := readUsageIDs(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, slot := range slots {
		for name := range slot.Of {
			if _, ok := ids[name]; ok {
				continue
			}
			var id uint64
			err := tx.QueryRowContext(ctx, `INSERT INTO usage_app (install) SELECT name FROM install WHERE name = ? RETURNING id`, name).Scan(&id)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("save usage: %w", err)
			}
			ids[name] = id
		}
	}
	return ids, nil
}

func readUsageIDs(ctx context.Context, q sqlitedb.Querier) (map[appliance.InstallName]uint64, error) {
	ids := map[appliance.InstallName]uint64{"": 0}
	_, err := sqlitedb.Query(ctx, q, func(rows *sql.Rows) (none struct{}, err error) {
		var name appliance.InstallName
		var id uint64
		if err = rows.Scan(&id, &name); err == nil {
			ids[name] = id
		}
		return none, err
	}, `SELECT id, install FROM usage_app`)
	return ids, err
}

// Usage implements usage.Store: all slots, in no particular order. A slot that
// cannot be read is left out; it is worth nothing but a gap.
func (s *Store) Usage(ctx context.Context) ([]appliance.UsageSlot, error) {
	ids, err := readUsageIDs(ctx, s.db.Read())
	if err != nil {
		return nil, err
	}
	names := make(map[uint64]appliance.InstallName, len(ids))
	for name, id := range ids {
		names[id] = name
	}
	return sqlitedb.Query(ctx, s.db.Read(), func(rows *sql.Rows) (slot appliance.UsageSlot, err error) {
		var begins sql.NullInt64
		var packed []byte
		err = rows.Scan(&slot.Span, &begins, &packed)
		slot.Begins, slot.Of = moment(begins), unpackUsage(packed, names)
		return slot, err
	}, `SELECT span, begins, used FROM usage_slot`)
}

// packUsage writes what was used as usage_slot.used has it.
func packUsage(of map[appliance.InstallName][appliance.Measures]appliance.UsageRange, ids map[appliance.InstallName]uint64) []byte {
	b := make([]byte, 0, 40*len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		id, ok := ids[name]
		if !ok {
			continue
		}
		b = binary.AppendUvarint(b, id)
		for _, r := range of[name] {
			for _, v := range [...]float32{r.Mean, r.Min, r.Max} {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			}
		}
	}
	return b
}

// unpackUsage reads what packUsage wrote, up to the first mistake in it.
func unpackUsage(b []byte, names map[uint64]appliance.InstallName) map[appliance.InstallName][appliance.Measures]appliance.UsageRange {
	const size = int(appliance.Measures) * 3 * 4
	of := map[appliance.InstallName][appliance.Measures]appliance.UsageRange{}
	for len(b) > 0 {
		id, n := binary.Uvarint(b)
		if n <= 0 || len(b) < n+size {
			break
		}
		var all [appliance.Measures]appliance.UsageRange
		for i := range all {
			at := b[n+i*12:]
			all[i] = appliance.UsageRange{Mean: float(at), Min: float(at[4:]), Max: float(at[8:])}
		}
		if name, ok := names[id]; ok {
			of[name] = all
		}
		b = b[n+size:]
	}
	return of
}

func float(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
