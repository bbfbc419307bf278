// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

// Download answers with a file that fill writes while it is sent: it may be of
// any size, and take as long as the browser goes on taking it. An error before
// the first byte is returned, for a page. After one later the connection is cut,
// so that the browser does not take half of a file for a whole one.
func Download(w http.ResponseWriter, name, mediaType string, fill func(io.Writer) error) error {
	d := &download{w: w, rc: http.NewResponseController(w), name: name, mediaType: mediaType}
	err := fill(d)
	if err != nil && d.begun {
		panic(http.ErrAbortHandler)
	}
	return err
}

// download is the answer, from its first byte on.
type download struct {
	w               http.ResponseWriter
	rc              *http.ResponseController
	name, mediaType string
	begun           bool
}

// Write writes.
func (d *download) Write(p []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.w.Header().Set("Content-Type", d.mediaType)
		d.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.name}))
		d.w.Header().Set("Cache-Control", "no-store")
		if err := d.rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) { // it has one from the router
			return 0, fmt.Errorf("begin download: %w", err)
		}
	}
	if err := d.rc.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, fmt.Errorf("send download: %w", err)
	}
	return d.w.Write(p)
}
