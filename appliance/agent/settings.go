// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// Settings returns what the co-op has set, and the defaults of the rest.
func (b *backend) Settings(ctx context.Context) (appliance.Settings, error) {
	set, err := b.store.Settings(ctx)
	if err != nil {
		return appliance.Settings{}, err
	}
	s := appliance.Settings{Coop: set["coop"], Box: set["box"], Language: set["language"], Contact: appliance.Contact(set["contact"])}
	if s.Box == "" {
		s.Box, _ = os.Hostname() // a machine without a name is a box without one
	}
	if s.Language == "" {
		s.Language = "en"
	}
	return s, nil
}

// SaveSettings keeps what the co-op sets.
func (b *backend) SaveSettings(ctx context.Context, s appliance.Settings) error {
	s.Coop, s.Box = strings.TrimSpace(s.Coop), strings.TrimSpace(s.Box)
	if !printable(s.Coop) || !printable(s.Box) {
		return settingsInvalid("a name has at most 80 letters, on one line", "choose a shorter name")
	}
	if !slices.Contains([]string{"en", "es", "fr"}, s.Language) {
		return settingsInvalid("the box does not speak that language", "choose en, es or fr")
	}
	contact, err := appliance.ParseContact(string(s.Contact))
	if err != nil {
		return err
	}
	if err := b.store.SaveSettings(ctx, map[string]string{"coop": s.Coop, "box": s.Box, "language": s.Language, "contact": string(contact)}); err != nil {
		return err
	}
	b.door.introduce(ctx)
	return nil
}

func printable(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= 80 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func settingsInvalid(why, next string) error {
	return &problem.Problem{
		Code: "settings-invalid", Kind: problem.Invalid,
		What: "the settings were not changed", Why: why, Next: []string{next},
	}
}
