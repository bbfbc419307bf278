// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"coopkit/internal/logkey"
)

// checkWordKey is where the store has the word.
const checkWordKey = "check-word"

// checkWord is what this box's own requests to apps carry in their User-Agent, and
// by which its logs are read without them. Nobody else can know it, so that no
// visitor can hide a request by calling himself a check. It is kept, because logs
// live longer than this process; empty if that cannot be done.
func (a *Apps) checkWord() string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	set, err := a.Store.Settings(ctx)
	if word := set[checkWordKey]; err == nil && word != "" {
		return word
	}
	word := "coopkit-health/" + rand.Text()
	if err == nil {
		err = a.Store.SaveSettings(ctx, map[string]string{checkWordKey: word})
	}
	if err != nil {
		a.Log.Warn("word of own checks not kept", slog.Any(logkey.Err, err))
		return ""
	}
	return word
}
