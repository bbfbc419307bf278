// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/problem"
	"coopkit/internal/term"
)

// setOptions are what the command line says; a flag that is not there changes
// nothing.
type setOptions struct {
	mail, ntfy, topic, webhook string
	token, secret              string // files
	least, quiet, weekly       string
}

func newSet(env *base.Env) *cobra.Command {
	var o setOptions
	cmd := &cobra.Command{
		Use: "set <person>", Short: "Set how and when a person is told",
		Long: "Sets channels of a person, and what they are told when. A new channel gets a test message with a code at once; the person " +
			"enters it in the console, or with coopkit notify confirm. An empty address removes a channel.",
		Example: `  coopkit notify set ana --mail ana@example.org
  coopkit notify set ana --ntfy https://ntfy.sh --topic bakery-7f3k9q2m
  coopkit notify set ana --webhook https://ha.example.org/api/webhook/coopkit
  coopkit notify set ana --from critical --quiet 22:00-06:30 --weekly 'monday 8'
  coopkit notify set ana --mail ''`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			given := func(flag string) bool { return cmd.Flags().Changed(flag) }
			if err := o.wishes(cmd.Context(), env, args[0], given); err != nil {
				return err
			}
			changes, err := o.channels(env, args[0], given)
			if err != nil {
				return err
			}
			answers := []appliance.Channel{}
			for _, change := range changes {
				c, err := env.Agent().Messages.SetChannel(cmd.Context(), change)
				if err != nil {
					return err
				}
				answers = append(answers, c)
			}
			return env.Show(answers, func() error { return told(env, args[0], answers) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.mail, "mail", "", "mail address")
	f.StringVar(&o.ntfy, "ntfy", "", "ntfy server, such as https://ntfy.sh; needs --topic")
	f.StringVar(&o.topic, "topic", "", "topic of the ntfy server")
	f.StringVar(&o.token, "token-file", "", "file whose first line is the token of the ntfy server; - is standard input")
	f.StringVar(&o.webhook, "webhook", "", "URL that is called with signed JSON")
	f.StringVar(&o.secret, "secret-file", "", "file whose first line is the secret of the webhook; without it, one is made and shown")
	f.StringVar(&o.least, "from", "", "how bad it must be: critical, warning or everything")
	f.StringVar(&o.quiet, "quiet", "", "hours in which only critical messages come, such as 21:00-07:00, or off")
	f.StringVar(&o.weekly, "weekly", "", "when a message comes once a week, such as 'monday 8', or off")
	return cmd
}

// channels are the changes that the flags ask for.
func (o setOptions) channels(env *base.Env, person string, given func(string) bool) (out []appliance.ChannelChange, err error) {
	for _, c := range []struct {
		kind             appliance.ChannelKind
		flag, to, secret string
	}{{appliance.ByMail, "mail", o.mail, ""}, {appliance.ByNtfy, "ntfy", o.ntfy, o.token}, {appliance.ByWebhook, "webhook", o.webhook, o.secret}} {
		if !given(c.flag) {
			continue
		}
		change := appliance.ChannelChange{Person: person, Kind: c.kind, To: c.to}
		if c.kind == appliance.ByNtfy {
			change.Topic = o.topic
		}
		if c.secret != "" {
			if change.Secret, err = env.Secret(c.secret); err != nil {
				return nil, err
			}
		}
		out = append(out, change)
	}
	return out, nil
}

// wishes sets what the flags say of the person's wishes.
func (o setOptions) wishes(ctx context.Context, env *base.Env, person string, given func(string) bool) error {
	if !given("from") && !given("quiet") && !given("weekly") {
		return nil
	}
	all, err := env.Agent().Messages.Receivers(ctx)
	if err != nil {
		return err
	}
	w := appliance.Wishes{Person: person, Least: appliance.Warning}
	if i := slices.IndexFunc(all, func(r appliance.Receiver) bool { return r.Person == person }); i >= 0 {
		w.Least, w.Quiet, w.Weekly = all[i].Least, all[i].Quiet, all[i].Weekly
	}
	if given("from") {
		least, ok := map[string]appliance.Severity{"critical": appliance.Critical, "warning": appliance.Warning, "everything": appliance.Notice}[o.least]
		if !ok {
			return unreadable("--from", o.least, "critical, warning or everything")
		}
		w.Least = least
	}
	if given("quiet") {
		hours, ok := readHours(o.quiet, w.Quiet)
		if !ok {
			return unreadable("--quiet", o.quiet, "21:00-07:00 or off")
		}
		w.Quiet = hours
	}
	if given("weekly") {
		weekly, ok := readWeekly(o.weekly, w.Weekly)
		if !ok {
			return unreadable("--weekly", o.weekly, "'monday 8' or off")
		}
		w.Weekly = weekly
	}
	return env.Agent().Messages.SetWishes(ctx, w)
}

func unreadable(flag, value, example string) error {
	return &problem.Problem{
		Code: "flag-invalid", Kind: problem.Invalid, What: flag + " " + strconv.Quote(value) + " cannot be used",
		Next: []string{"write " + example}, Args: map[string]string{"flag": flag},
	}
}

func readHours(s string, was appliance.Hours) (appliance.Hours, bool) {
	if s == "off" {
		was.On = false
		return was, true
	}
	from, until, ok := strings.Cut(s, "-")
	a, err1 := time.Parse("15:04", from)
	b, err2 := time.Parse("15:04", until)
	return appliance.Hours{On: true, From: a.Hour()*60 + a.Minute(), Until: b.Hour()*60 + b.Minute()}, ok && err1 == nil && err2 == nil
}

func readWeekly(s string, was appliance.Weekly) (appliance.Weekly, bool) {
	if s == "off" {
		was.On = false
		return was, true
	}
	day, hour, ok := strings.Cut(s, " ")
	h, err := strconv.Atoi(hour)
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(day, d.String()) {
			return appliance.Weekly{On: true, Day: d, Hour: h}, ok && err == nil && h >= 0 && h < 24
		}
	}
	return was, false
}

// told says what happened to each channel.
func told(env *base.Env, person string, answers []appliance.Channel) error {
	if len(answers) == 0 {
		return env.Say("Saved. See it: coopkit notify list\n")
	}
	for _, c := range answers {
		if err := one(env, person, c); err != nil {
			return err
		}
	}
	return nil
}

func one(env *base.Env, person string, c appliance.Channel) error {
	switch {
	case c.To == "":
		return env.Say("Messages no longer go to %s by %s.\n", term.Clean(person), c.Kind)
	case c.Secret != "":
		if err := env.Say("The secret of the webhook, which is shown this once:\n  %s\n", c.Secret); err != nil {
			return err
		}
	}
	switch {
	case c.Problem != nil:
		if err := env.Say("The test message was not accepted: %s\n", term.Clean(c.Problem.What)); err != nil {
			return err
		}
		for _, n := range c.Problem.Next {
			if err := env.Say("next: %s\n", term.Clean(n)); err != nil {
				return err
			}
		}
		return env.Say("then: coopkit notify test %s %s\n", term.Clean(person), c.Kind)
	case !c.Proven.IsZero():
		return env.Say("A test message has arrived. Messages go to %s by %s from now on.\n", term.Clean(person), c.Kind)
	default:
		return env.Say("A test message with a code is on its way. When it is there: coopkit notify confirm %s %s <code>\n", term.Clean(person), c.Kind)
	}
}
