// SPDX-License-Identifier: AGPL-3.0-or-later

package area_test

import (
	"io/fs"
	"log/slog"
	"testing"

	"coopkit/appliance/console/area"
	"coopkit/internal/locale/localetest"
	"coopkit/internal/webkit"
)

func TestMessages(t *testing.T) {
	prefixes := []string{
		"area.notice.", "area.jobstate.", "area.stepstate.", "area.group.", "area.door.", "area.reach.", "area.closed.", "area.back.",
	}
	ui, err := webkit.New(webkit.Config{Name: "console", Messages: []fs.FS{area.Files()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	localetest.Check(t, ui.Bundle(), []string{"."}, append(prefixes, "webkit.", "area.finding.", "finding.", "problem.")...)
}
