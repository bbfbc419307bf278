// SPDX-License-Identifier: AGPL-3.0-or-later

package settings

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/webkit"
)

// wishForm is what the reader wishes to be told, and when.
type wishForm struct {
	Least, Quiet, From, Until, Weekly, Day, Hour webkit.Field
}

// wishFields are the wishes as they are, or as they were typed.
func wishFields(p *webkit.Page, r *http.Request, me appliance.Receiver) wishForm {
	yes := map[bool]string{true: "yes"}
	value := map[string]string{
		"least": me.Least.String(), "quiet": yes[me.Quiet.On], "from": clock(me.Quiet.From), "until": clock(me.Quiet.Until),
		"weekly": yes[me.Weekly.On], "day": strconv.Itoa(int(me.Weekly.Day)), "hour": clock(me.Weekly.Hour * 60),
	}
	if len(p.Errors) > 0 && r.PathValue("kind") == "" {
		for name := range value {
			value[name] = r.PostFormValue(name)
		}
	}
	field := func(name string, f webkit.Field) webkit.Field {
		f.Name, f.Label, f.Value, f.Error = name, p.T("settings.messages.wish."+name), value[name], p.Error(name)
		return f
	}
	var days []webkit.Pair
	for i := range 7 {
		day := (i + 1) % 7 // the week begins on Monday
		days = append(days, webkit.Pair{Name: p.T("settings.messages.day." + strconv.Itoa(day)), Value: strconv.Itoa(day)})
	}
	return wishForm{
		Least: field("least", webkit.Field{Kind: "select", Options: []webkit.Pair{
			{Name: p.T("settings.messages.least.critical"), Value: "critical"},
			{Name: p.T("settings.messages.least.warning"), Value: "warning"},
			{Name: p.T("settings.messages.least.notice"), Value: "notice"},
		}}),
		Quiet: field("quiet", webkit.Field{Hint: p.T("settings.messages.wish.quiet.hint")}),
		From:  field("from", webkit.Field{Plain: true, Autocomplete: "off"}), Until: field("until", webkit.Field{Plain: true, Autocomplete: "off"}),
		Weekly: field("weekly", webkit.Field{Hint: p.T("settings.messages.wish.weekly.hint")}),
		Day:    field("day", webkit.Field{Kind: "select", Options: days}), Hour: field("hour", webkit.Field{Plain: true, Autocomplete: "off"}),
	}
}

// clock writes minutes since midnight as a field of a time has them.
func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// readClock is the reverse; false: it is no time.
func readClock(s string) (minutes int, ok bool) {
	t, err := time.Parse("15:04", strings.TrimSpace(s))
	return t.Hour()*60 + t.Minute(), err == nil
}

func (d *pages) wishesSave(w http.ResponseWriter, r *http.Request) error {
	me, _, err := d.me(r)
	if err != nil {
		return err
	}
	p := d.UI.NewPage(r, "settings.messages.title")
	wishes := appliance.Wishes{Person: me.Person, Quiet: me.Quiet, Weekly: me.Weekly}
	if err := wishes.Least.UnmarshalText([]byte(r.PostFormValue("least"))); err != nil {
		return err
	}
	wishes.Quiet.On, wishes.Weekly.On = r.PostFormValue("quiet") == "yes", r.PostFormValue("weekly") == "yes"
	at := func(field string) int {
		minutes, ok := readClock(r.PostFormValue(field))
		if !ok {
			p.Fail(field, p.T("settings.messages.bad.time"))
		}
		return minutes
	}
	wishes.Quiet.From, wishes.Quiet.Until = at("from"), at("until")
	wishes.Weekly.Hour = at("hour") / 60
	day, err := strconv.Atoi(r.PostFormValue("day"))
	if wishes.Weekly.Day = time.Weekday(day); err != nil || day < 0 || day > 6 {
		p.Fail("day", p.T("settings.messages.bad.day"))
	}
	if len(p.Errors) > 0 {
		return d.showMessages(w, r, http.StatusUnprocessableEntity, p, "")
	}
	if err := d.Box.Messages.SetWishes(r.Context(), wishes); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: p.T("settings.messages.saved")})
	return d.UI.Redirect(w, r, "/settings/messages")
}
