// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"coopkit/internal/testkit"
)

func TestReceive_onAFullDiskKeepsWhatIsPublished(t *testing.T) {
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		testkit.Missing(t, "mount", "only root may mount the small disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := newShelf(t)
	s.dir, s.d.Dir = dir, dir
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.push(t, demo, "good")
	large := archive(t, "index.html", "new", "a.bin", strings.Repeat("x", 128<<10), "b.bin", strings.Repeat("x", 512<<10))
	_, err = s.Receive(t.Context(), "amara", large)
	wantCode(t, err, "site-disk-full")
	noise, err := io.ReadAll(io.LimitReader(rand.NewChaCha8([32]byte{}), 512<<10)) // a zip of it waits on the disk first
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Receive(t.Context(), "amara", strings.NewReader(testkit.Zip(t, "index.html", string(noise))))
	wantCode(t, err, "site-disk-full")
	if got, left := s.shown(t, demo), files(t, dir); got != "good" || len(left) != 1 {
		t.Errorf("visitors see %q; there are %d files", got, len(left))
	}
	if n := s.push(t, demo, "small"); n != 2 || s.shown(t, demo) != "small" {
		t.Errorf("afterwards: %d", n)
	}
}
