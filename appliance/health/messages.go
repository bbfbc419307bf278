// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"time"

	"coopkit/appliance"
)

// failingAfter is how long messages may not arrive before it is a finding: mail
// servers are away for hours, and what waits is tried again.
const failingAfter = 24 * time.Hour

// Messages is how this box reaches its people, as the checks see it. The zero
// Messages means that there is nobody yet whom it could tell.
type Messages struct {
	People  int // with an open account
	Reached int // of them: messages reach them by one channel at least
	Failing []FailingChannel
}

// FailingChannel is a channel by which nothing arrives.
type FailingChannel struct {
	Kind   appliance.ChannelKind
	Person string // name of the account
	Since  time.Time
	Reason string
}

func messagesCheck(f Facts) Check {
	return Check{
		Name: "messages", Title: "the messages of the box to its people",
		Codes: []Code{
			{
				Code: "NOTIFY-NOBODY", Severity: appliance.Notice,
				Means: "No message from this box reaches anybody: what goes wrong is seen only by those who open the console.",
			},
			{
				Code: "NOTIFY-FAILED", Severity: appliance.Warning,
				Means: "Messages to a person have not arrived for more than a day. They are tried again for two days; after that, what is still wrong is told anew.",
			},
		},
		Run: func(ctx context.Context) ([]appliance.Finding, error) {
			if f.Messages == nil {
				return nil, nil
			}
			m, err := f.Messages(ctx)
			if err != nil {
				return nil, err
			}
			return judgeMessages(m, f.Now()), nil
		},
	}
}

func judgeMessages(m Messages, now time.Time) (out []appliance.Finding) {
	if m.People > 0 && m.Reached == 0 {
		out = append(out, appliance.Finding{
			Code: "NOTIFY-NOBODY", Subject: "messages:", Severity: appliance.Notice,
			What: "Nobody is told when something goes wrong on this box",
			Why:  "No mail address or other way to reach a person is set.",
			Next: []string{"Set how you want to be reached, in the console under Settings, Messages", "In a terminal: coopkit notify set --help"},
			Who:  appliance.You,
		})
	}
	for _, c := range m.Failing {
		if now.Sub(c.Since) < failingAfter {
			continue
		}
		out = append(out, appliance.Finding{
			Code: "NOTIFY-FAILED", Subject: "messages:" + string(c.Kind) + "/" + c.Person, Severity: appliance.Warning,
			What: "Messages to " + c.Person + " do not arrive",
			Why:  "The last try failed: " + c.Reason + ".",
			Next: []string{"Send a test message, in the console under Settings, Messages", "In a terminal: coopkit notify test --help"},
			Who:  appliance.You,
			Args: map[string]string{"person": c.Person, "channel": string(c.Kind), "failing_at": moment(c.Since), "reason": c.Reason},
		})
	}
	return out
}
