// SPDX-License-Identifier: AGPL-3.0-or-later

package term_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"coopkit/internal/problem"
	"coopkit/internal/term"
)

func TestReport_exitCodes(t *testing.T) {
	of := func(k problem.Kind) error {
		return fmt.Errorf("wrap: %w", &problem.Problem{Code: "some-code", Kind: k, What: "it rains", Next: []string{"wait"}})
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{of(""), 1},
		{of(problem.Failed), 1},
		{of(problem.NotFound), 1},
		{of(problem.Conflict), 1},
		{of(problem.Invalid), 2},
		{of(problem.Partial), 3},
		{of(problem.Forbidden), 4},
		{of(problem.Unavailable), 5},
		{of(problem.Cancelled), 130},
		{context.Canceled, 130},
		{errors.New("a wire came loose"), 1},
		{term.ExitError(3), 3},
	} {
		var out, errOut strings.Builder
		env := term.New(strings.NewReader(""), &out, &errOut, func(string) string { return "" })
		if got := env.Report(c.err); got != c.want {
			t.Errorf("%v: exit code %d; want %d", c.err, got, c.want)
		}
		if out.Len() > 0 || strings.Contains(errOut.String(), "wire") {
			t.Errorf("%v: said %q, %q", c.err, out.String(), errOut.String())
		}
	}
}

func TestReport_showsTheCauseToATechnician(t *testing.T) {
	var errOut strings.Builder
	env := term.New(nil, nil, &errOut, func(key string) string { return map[string]string{"COOPKIT_DEBUG": "1"}[key] })
	env.Report(errors.New("a wire came loose"))
	if !strings.Contains(errOut.String(), "cause: a wire came loose") {
		t.Error(errOut.String())
	}
}

func TestClean_leavesNothingThatATerminalWouldObey(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ñ and 日本":    "plain, ñ and 日本",
		"a\x1b[2Jb\rc\nd":    "a[2Jbc d",
		"bell\a\u202e\u009b": "bell",
	} {
		if got := term.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 5e6: "5.0 MB", 999_999_999: "1.0 GB", 3e12: "3.0 TB"} {
		if got := term.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %s; want %s", n, got, want)
		}
	}
}
