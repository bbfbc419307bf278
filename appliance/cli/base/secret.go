// SPDX-License-Identifier: AGPL-3.0-or-later

package base

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"coopkit/internal/problem"
)

// Secret reads a password or key from the first line of a file; "-" is standard
// input. It is never an argument: everybody on a machine can list those. The
// error is a Problem "secret-unreadable".
func (e *Env) Secret(path string) (string, error) {
	from := e.In
	if path != "-" {
		f, err := os.Open(path) //nolint:gosec // the person who runs the command names it
		if err != nil {
			return "", secretUnreadable(path, err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	line, err := bufio.NewReader(io.LimitReader(from, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", secretUnreadable(path, err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", secretUnreadable(path, errors.New("the first line is empty"))
	}
	return line, nil
}

func secretUnreadable(path string, err error) error {
	return &problem.Problem{
		Code: "secret-unreadable", Kind: problem.Invalid, What: "no password can be read from " + path,
		Why: err.Error(), Next: []string{"write it on the first line of a file that only you can read, and name that file", "or name - and type it"}, Err: err,
	}
}
