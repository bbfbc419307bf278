// SPDX-License-Identifier: AGPL-3.0-or-later

package testkit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// dumpSuffix ends the names of databases that earlier programs left.
const dumpSuffix = ".db.zst"

// Dumps runs a subtest for each database that an earlier program left in dir,
// as WriteDump writes them. Each gets the dump's name and the path of a copy
// that it may change. A folder without any fails the test.
func Dumps(t *testing.T, dir string, each func(t *testing.T, name, path string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+dumpSuffix))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d dumps in %s, %v", len(files), dir, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), dumpSuffix)
		t.Run(name, func(t *testing.T) {
			packed, err := os.ReadFile(file) //nolint:gosec // test data
			if err != nil {
				t.Fatal(err)
			}
			unpacker, err := zstd.NewReader(nil)
			if err != nil {
				t.Fatal(err)
			}
			defer unpacker.Close()
			data, err := unpacker.DecodeAll(packed, nil)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "dump.db")
			if err := os.WriteFile(path, data, 0o600); err != nil { //nolint:gosec // in the test's own folder
				t.Fatal(err)
			}
			each(t, name, path)
		})
	}
}

// WriteDump keeps a closed database as dir/NAME.db.zst, for Dumps.
func WriteDump(tb testing.TB, dir, name, database string) {
	tb.Helper()
	data, err := os.ReadFile(database) //nolint:gosec // the test's own file
	if err != nil {
		tb.Fatal(err)
	}
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(dir, name+dumpSuffix)
	if err := os.WriteFile(file, packer.EncodeAll(data, nil), 0o600); err != nil { //nolint:gosec // whoever runs the test names it
		tb.Fatal(err)
	}
}
