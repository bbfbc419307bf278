// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"sync/atomic"
	"testing"

	"coopkit/desk/wire"
)

// BenchmarkReceive stores reports of one sample each, of many boxes at once.
func BenchmarkReceive(b *testing.B) {
	r := open(b)
	type ready struct {
		report wire.Report
		raw    [][]byte
		body   []byte
	}
	boxes := make([]*sender, 2000)
	for i := range boxes {
		boxes[i] = r.box("mill", "bakery", "kestrel")
	}
	const each = 40
	reports := make([]ready, 0, each*len(boxes))
	for range each {
		for _, x := range boxes {
			report, raw, body := x.report(sample(1))
			reports = append(reports, ready{report, raw, body})
			x.moveOn(raw)
		}
	}
	if b.N > len(reports) {
		b.Skip("-benchtime 80000x at most")
	}
	var next atomic.Int64
	b.SetParallelism(64)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			x := &reports[next.Add(1)-1]
			if _, err := r.Receive(b.Context(), &x.report, x.raw, x.body); err != nil {
				b.Error(err)
			}
		}
	})
}
