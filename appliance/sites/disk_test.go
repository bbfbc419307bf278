// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"errors"
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
	_, err = s.Receive(t.Context(), demo, large)
	wantCode(t, err, "site-disk-full")
	if got, left := s.shown(t, demo), files(t, dir); got != "good" || len(left) != 1 {
		t.Errorf("visitors see %q; there are %d files", got, len(left))
	}
	if v := s.push(t, demo, "small"); v.Number != 3 || s.shown(t, demo) != "small" {
		t.Errorf("afterwards: %+v", v)
	}
}
