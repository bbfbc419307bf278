// SPDX-License-Identifier: AGPL-3.0-or-later

package wire_test

import (
	"crypto/ed25519"
	"strconv"
	"testing"
	"time"

	"coopkit/desk/wire"
)

func benchReport(b *testing.B) []byte {
	b.Helper()
	now := wire.At(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC))
	body, err := wire.Encode(wire.Report{Version: 1, Box: "abcdefghijkl", Sent: now, First: 44_610, Entries: []wire.Entry{{
		At: now, Sample: &wire.Sample{UptimeS: 864_000, Load: 0.42, Memory: 4 << 30, MemoryUsed: 2 << 30, Disk: 120 << 30, DiskUsed: 41 << 30, Apps: 6, AppsUp: 6},
	}}})
	if err != nil {
		b.Fatal(err)
	}
	return body
}

func BenchmarkDecodeReport(b *testing.B) {
	body := benchReport(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := wire.DecodeReport(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifier(b *testing.B) {
	body, key := benchReport(b), deskKey()
	signature := wire.SignReport(key, body)
	public := key.Public().(ed25519.PublicKey)
	for _, at := range []int{1, 16, 128} {
		b.Run(strconv.Itoa(at), func(b *testing.B) {
			var v wire.Verifier
			b.SetParallelism(at)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if !v.Report(public, body, signature) {
						b.Error("not verified")
					}
				}
			})
		})
	}
}
