// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"coopkit/internal/hostname"
)

// Export writes the published version of the site at host to w as a zip, which
// Receive takes again. The errors are those of w, and Problems:
// "host-name-invalid", "no-such-site".
func (s *Sites) Export(_ context.Context, host string, w io.Writer) (err error) {
	h, err := hostname.Parse(host)
	if err != nil {
		return err
	}
	dir, ok := s.Root(h)
	if !ok {
		return noSuchSite(h)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open site %s: %w", h, err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	z := zip.NewWriter(w)
	if err := z.AddFS(root.FS()); err != nil { // without its end, nobody takes the zip for whole
		return fmt.Errorf("pack site %s: %w", h, err)
	}
	return z.Close()
}
