// SPDX-License-Identifier: AGPL-3.0-or-later

package base

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"coopkit/internal/problem"
)

// Save writes what fill gives to a new file at path, which only this user may
// read; nothing of it is left after an error. An empty path, or -, is standard
// output. The errors are those of fill, and a Problem "file-exists".
func (e *Env) Save(path string, fill func(io.Writer) error) (err error) {
	if path == "" || path == "-" {
		return fill(e.Out)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the person who types it says where
	if errors.Is(err, fs.ErrExist) {
		return &problem.Problem{
			Code: "file-exists", Kind: problem.Conflict, What: "there is something at “" + path + "” already",
			Next: []string{"choose another name for the file"}, Err: err,
		}
	}
	if err != nil {
		return fmt.Errorf("make file: %w", err)
	}
	if err := errors.Join(fill(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return e.Say("saved as %s\n", path)
}
