// SPDX-License-Identifier: AGPL-3.0-or-later

package term

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"coopkit/internal/problem"
)

// Confirm asks whether to go ahead and returns nil on a yes. It does not ask
// when yes is set already. Where nobody can be asked (no terminal, or --json)
// it gives a Problem "confirmation-needed"; on a no, "not-confirmed".
func (t *Terminal) Confirm(ctx context.Context, yes bool) error {
	if yes {
		return nil
	}
	if !t.CanAsk() {
		return &problem.Problem{
			Code: "confirmation-needed", Kind: problem.Invalid,
			What: "this needs a confirmation, and nobody can be asked here",
			Why:  "it would change the box as the plan says",
			Next: []string{"read the plan, then run the same command with --yes"},
		}
	}
	answer, err := t.Ask(ctx, "Go ahead? [y/N] ")
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "y", "yes", "s", "sí", "si", "o", "oui":
		return nil
	}
	return &problem.Problem{
		Code: "not-confirmed", Kind: problem.Cancelled,
		What: "nothing was changed", Why: "you did not say yes",
		Next: []string{"run it again when you are ready"},
	}
}

// CanAsk tells whether a person is there to answer.
func (t *Terminal) CanAsk() bool { return t.InTerminal && !t.JSON }

// Ask asks a question and returns the answer without space around it.
func (t *Terminal) Ask(ctx context.Context, question string) (string, error) {
	prompt := t.Out
	if !t.OutTerminal {
		prompt = t.Err // so that the question does not end up in a file
	}
	if _, err := io.WriteString(prompt, question); err != nil {
		return "", fmt.Errorf("ask: %w", err)
	}
	answer, err := t.readLine(ctx)
	return strings.TrimSpace(answer), err
}

// readLine reads one line. When ctx ends first, the reading ends with the
// process, because a terminal cannot be told to stop waiting.
func (t *Terminal) readLine(ctx context.Context) (string, error) {
	type line struct {
		text string
		err  error
	}
	lines := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(t.In).ReadString('\n')
		lines <- line{text, err}
	}()
	select {
	case l := <-lines:
		if l.err != nil && !errors.Is(l.err, io.EOF) {
			return "", fmt.Errorf("read answer: %w", l.err)
		}
		return l.text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
