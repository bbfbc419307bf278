// SPDX-License-Identifier: AGPL-3.0-or-later

package enginetest

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// LabelTest is on the images that tests make.
const LabelTest = "coop.coopkit.test"

// TestImage puts the test app into the engine, without a registry, as the only
// file of an image: "/app" (see testapp). It is removed when the test ends, so
// ask for it before making installs of it. In a Fake it is an empty file.
func TestImage(tb testing.TB, e engine.Engine) appliance.Image {
	tb.Helper()
	var binary []byte
	if _, fake := e.(*Fake); !fake {
		var err error
		if binary, err = buildTestApp(); err != nil {
			tb.Fatal(err)
		}
	}
	tag := "coopkit/testapp:" + random()
	info, err := e.Import(tb.Context(), tag, map[string]string{LabelTest: "testapp"}, oneFile(tb, "app", binary))
	if err != nil {
		tb.Fatal(err)
	}
	cleanup(tb, func() error { return e.RemoveImage(background(tb), info.ID) })
	return appliance.Image{Ref: tag, ID: info.ID, Source: appliance.FromBundle}
}

// buildTestApp compiles the test app once for each test binary.
var buildTestApp = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "testapp")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "app")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "coopkit/appliance/engine/enginetest/testapp") //nolint:gosec // the path is our own
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, errors.Join(errors.New(string(out)), err, os.RemoveAll(dir))
	}
	binary, err := os.ReadFile(path) //nolint:gosec // we made it
	return binary, errors.Join(err, os.RemoveAll(dir))
})

func oneFile(tb testing.TB, name string, content []byte) *bytes.Buffer {
	tb.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return &buf
}

func random() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
