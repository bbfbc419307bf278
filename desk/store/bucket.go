// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"fmt"
	"time"

	"coopkit/desk/wire"
)

// How long the two kinds of buckets are, and how long they are kept.
const (
	short     = 10 * time.Minute
	long      = time.Hour
	keepShort = 8 * 24 * time.Hour
	keepLong  = 90 * 24 * time.Hour
)

// addSample adds a sample of a box (?1) at a time in seconds (?2) to its bucket
// of both kinds: severity of its worst finding, apps, load, shares of memory and
// disk, apps that run.
const addSample = `INSERT INTO bucket (length, box, start, samples, worst, apps, load_min, load_sum, load_max,
		memory_min, memory_sum, memory_max, disk_min, disk_sum, disk_max, up_min, up_sum, up_max)
	SELECT column1, ?1, ?2 - ?2 % column1, 1, ?3, ?4, ?5, ?5, ?5, ?6, ?6, ?6, ?7, ?7, ?7, ?8, ?8, ?8 FROM (VALUES (600), (3600)) WHERE true
	ON CONFLICT (length, box, start) DO UPDATE SET samples = samples + 1, worst = max(worst, excluded.worst), apps = max(apps, excluded.apps),
		load_min = min(load_min, excluded.load_min), load_sum = load_sum + excluded.load_sum, load_max = max(load_max, excluded.load_max),
		memory_min = min(memory_min, excluded.memory_min), memory_sum = memory_sum + excluded.memory_sum, memory_max = max(memory_max, excluded.memory_max),
		disk_min = min(disk_min, excluded.disk_min), disk_sum = disk_sum + excluded.disk_sum, disk_max = max(disk_max, excluded.disk_max),
		up_min = min(up_min, excluded.up_min), up_sum = up_sum + excluded.up_sum, up_max = max(up_max, excluded.up_max)`

// sample adds one to the history of a box.
func (t *txn) sample(ctx context.Context, b *record, at time.Time, s *wire.Sample) error {
	_, err := t.fixed.sample.ExecContext(ctx, b.n, at.Unix(), b.worst, s.Apps, s.Load, share(s.MemoryUsed, s.Memory), share(s.DiskUsed, s.Disk), float64(s.AppsUp))
	if err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	return nil
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return min(float64(part)/float64(whole), 1)
}
