// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"coopkit/appliance/console/area"
)

// small are limits that tests can reach.
func small() limits {
	return limits{sent: 1 << 20, bytes: 4 << 20, files: 50, ratio: 200, free: 64_000_000}
}

// Prefix is that of files in the spool.
const Prefix = prefix

// OpenSpool is what a start of the agent does to the spool.
func OpenSpool(dir string) { newSpool(dir, time.Now, slog.New(slog.DiscardHandler)) }

// RoutesSmall is Routes with limits that tests can reach.
func RoutesSmall(d area.Deps, box Agent) { routes(d, box, small()) }

// Zipped is a zip of these names and contents.
func Zipped(tb testing.TB, pairs ...string) string {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(f, pairs[i+1]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// Tarred is a packed tar with these heads and zeros as contents.
func Tarred(tb testing.TB, heads ...tar.Header) string {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, h := range heads {
		if err := w.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}
