// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// message is one JSON object of the engine's answer to pull, import and build.
type message struct {
	Stream   string `json:"stream"`
	Status   string `json:"status"`
	ID       string `json:"id"`
	Progress struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
	Error *struct {
		Code    int    `json:"code"` // of a command of a build that failed
		Message string `json:"message"`
	} `json:"errorDetail"`
}

// streamError is what the engine said had gone wrong after it had begun.
type streamError struct {
	code int
	text string
}

func (e *streamError) Error() string { return e.text }

// readMessages calls each for every message until the end. A message that
// says that it failed ends it with a *streamError.
func readMessages(r io.Reader, each func(message)) error {
	d := json.NewDecoder(r)
	for {
		var m message
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the engine's answer: %w", err)
		}
		if m.Error != nil {
			return &streamError{m.Error.Code, m.Error.Message}
		}
		each(m)
	}
}
