// SPDX-License-Identifier: AGPL-3.0-or-later

package problem

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

var full = &Problem{
	Code: "disk-full", Kind: Failed, What: "the disk is full", Why: "a log grew",
	Next: []string{"df -h"}, Err: errors.New("write /x: no space"),
}

func TestProblem_showsThePublicAndLogsTheCause(t *testing.T) {
	public, err := json.Marshal(full)
	if err != nil || strings.Contains(string(public), "/x") {
		t.Errorf("public form %s, %v", public, err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", slog.Any("err", full))
	if !strings.Contains(log.String(), "no space") {
		t.Errorf("the log has no cause: %s", &log)
	}
	if b, err := json.Marshal(&Problem{Code: "x"}); err != nil || !strings.Contains(string(b), `"next":[]`) {
		t.Errorf("next of a bare problem: %s, %v", b, err)
	}
}

func TestFrom_findsTheProblemInATree(t *testing.T) {
	wrapped := errors.Join(errors.New("first"), fmt.Errorf("add app: %w", full))
	if got := From(wrapped, "7"); got != full {
		t.Errorf("got %v", got)
	}
	if got := From(errors.New("secret detail"), "7"); got.Code != "unexpected" || strings.Contains(got.What, "secret") || !strings.Contains(got.What, "7") || len(got.Next) == 0 {
		t.Errorf("got %+v", got)
	}
	if From(nil, "7") != nil {
		t.Error("no error became a problem")
	}
}

func TestIs_comparesCodes(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", full)
	if !errors.Is(err, &Problem{Code: "disk-full"}) || errors.Is(err, &Problem{Code: "other"}) || !errors.Is(err, full.Err) {
		t.Error("codes or causes are compared wrongly")
	}
}
