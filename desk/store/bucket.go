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

// bucket adds up the samples of ten minutes of one box.
type bucket struct {
	start   int64 // seconds
	samples int
	next    uint64 // number after the last entry in it
	worst   int
	apps    int

	load, memory, disk, up span
}

// span is what a bucket keeps of one figure.
type span struct{ least, sum, most float64 }

func (s *span) add(v float64, first bool) {
	if first {
		*s = span{v, v, v}
		return
	}
	s.least, s.most, s.sum = min(s.least, v), max(s.most, v), s.sum+v
}

func (b *bucket) add(number uint64, sample wire.Sample, worst int) {
	first := b.samples == 0
	b.samples++
	b.next = number + 1
	b.worst, b.apps = max(b.worst, worst), max(b.apps, sample.Apps)
	b.load.add(sample.Load, first)
	b.memory.add(share(sample.MemoryUsed, sample.Memory), first)
	b.disk.add(share(sample.DiskUsed, sample.Disk), first)
	b.up.add(float64(sample.AppsUp), first)
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return min(float64(part)/float64(whole), 1)
}

// roll adds a sample to the box's open bucket, and writes that first when the
// sample is of another one.
func (b *batch) roll(ctx context.Context, l *live, number uint64, at time.Time, sample wire.Sample) error {
	start := at.Truncate(short).Unix()
	if l.b.samples > 0 && l.b.start != start {
		if err := b.closeBucket(ctx, l); err != nil {
			return err
		}
	}
	l.b.start = start
	l.b.add(number, sample, l.worst)
	l.sample = sample
	return nil
}

// closeBucket writes the open bucket, if there is one, and its hour anew from
// the buckets in it; both can be done twice.
func (b *batch) closeBucket(ctx context.Context, l *live) error {
	k := l.b
	if k.samples == 0 {
		return nil
	}
	l.b, l.p.rolled, l.changed = bucket{}, k.next-1, true
	_, err := b.tx.ExecContext(ctx, `INSERT INTO bucket (length, box, start, samples, worst, apps, load_min, load_sum, load_max,
			memory_min, memory_sum, memory_max, disk_min, disk_sum, disk_max, up_min, up_sum, up_max)
		VALUES (600, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (length, box, start) DO UPDATE SET samples = samples + excluded.samples, worst = max(worst, excluded.worst), apps = max(apps, excluded.apps),
			load_min = min(load_min, excluded.load_min), load_sum = load_sum + excluded.load_sum, load_max = max(load_max, excluded.load_max),
			memory_min = min(memory_min, excluded.memory_min), memory_sum = memory_sum + excluded.memory_sum, memory_max = max(memory_max, excluded.memory_max),
			disk_min = min(disk_min, excluded.disk_min), disk_sum = disk_sum + excluded.disk_sum, disk_max = max(disk_max, excluded.disk_max),
			up_min = min(up_min, excluded.up_min), up_sum = up_sum + excluded.up_sum, up_max = max(up_max, excluded.up_max)`,
		l.n, k.start, k.samples, k.worst, k.apps, k.load.least, k.load.sum, k.load.most, k.memory.least, k.memory.sum, k.memory.most,
		k.disk.least, k.disk.sum, k.disk.most, k.up.least, k.up.sum, k.up.most)
	if err != nil {
		return fmt.Errorf("write bucket: %w", err)
	}
	hour := k.start - k.start%int64(long.Seconds())
	_, err = b.tx.ExecContext(ctx, `INSERT OR REPLACE INTO bucket
		SELECT 3600, box, ?2, sum(samples), max(worst), max(apps), min(load_min), sum(load_sum), max(load_max), min(memory_min), sum(memory_sum), max(memory_max),
			min(disk_min), sum(disk_sum), max(disk_max), min(up_min), sum(up_sum), max(up_max)
		FROM bucket WHERE length = 600 AND box = ?1 AND start >= ?2 AND start < ?2 + 3600 GROUP BY box`, l.n, hour)
	if err != nil {
		return fmt.Errorf("write hour: %w", err)
	}
	text, err := encode(l.sample)
	if err != nil {
		return err
	}
	if _, err := b.tx.ExecContext(ctx, `UPDATE box SET sample = ? WHERE n = ?`, text, l.n); err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	return nil
}
