// SPDX-License-Identifier: AGPL-3.0-or-later

package testkit

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
)

// Zip is a zip archive of these names and contents.
func Zip(tb testing.TB, pairs ...string) string {
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
