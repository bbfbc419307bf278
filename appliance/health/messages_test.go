// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"testing"
	"time"

	"coopkit/appliance"
)

func TestMessages_saysWhoIsNotReached(t *testing.T) {
	failing := func(since time.Duration) []FailingChannel {
		return []FailingChannel{{Kind: appliance.ByMail, Person: "ana", Since: noon.Add(-since), Reason: "no route"}}
	}
	for name, c := range map[string]struct {
		m    Messages
		want string
	}{
		"no account yet":       {Messages{}, ""},
		"nobody is told":       {Messages{People: 2}, "NOTIFY-NOBODY messages:"},
		"one of two is":        {Messages{People: 2, Reached: 1}, ""},
		"away for some hours":  {Messages{People: 1, Reached: 1, Failing: failing(5 * time.Hour)}, ""},
		"away for a whole day": {Messages{People: 1, Reached: 1, Failing: failing(25 * time.Hour)}, "NOTIFY-FAILED messages:mail/ana"},
	} {
		if got := shown(judgeMessages(c.m, noon)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
