// SPDX-License-Identifier: AGPL-3.0-or-later

package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"coopkit/internal/problem"
)

// Lock makes the state folder of a program (an agent, a desk), with this mode
// where it is missing, and makes sure that one process at a time uses it. The
// lock goes when the file is closed, or with the process, however it ends.
// Problems are "state-in-use" and "state-unusable".
func Lock(folder, program string, mode fs.FileMode) (*os.File, error) {
	if err := os.MkdirAll(folder, mode); err != nil {
		return nil, StateUnusable(folder, err)
	}
	f, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // our own state folder
	if err != nil {
		return nil, StateUnusable(folder, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(&problem.Problem{
			Code: "state-in-use", Kind: problem.Conflict,
			What: "another " + program + " uses the folder " + folder,
			Next: []string{"stop the other one, or give this one another folder with --state"},
			Err:  err,
		}, f.Close())
	}
	return f, nil
}

// StateUnusable is the problem of a state folder in which something cannot be
// read or written.
func StateUnusable(folder string, err error) error {
	return &problem.Problem{
		Code: "state-unusable", Kind: problem.Unavailable,
		What: "the folder " + folder + " cannot be used",
		Why:  "it cannot be made, read or written to",
		Next: []string{"run this as root, or as the user that the folder belongs to", "or choose another folder with --state"},
		Err:  err,
	}
}
