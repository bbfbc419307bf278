// SPDX-License-Identifier: AGPL-3.0-or-later

package locale

import (
	"embed"
	"math"
	"strconv"
	"strings"
	"time"
)

//go:embed messages/*.json
var own embed.FS

// noBreak keeps a number and its unit on one line.
const noBreak = "\u00a0"

// Number writes n with the language's grouping; four digits are not grouped in
// Spanish.
func (l *Locale) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	if len(digits) <= 3 || l.Lang == "es" && len(digits) == 4 {
		return sign + digits
	}
	var out []string
	for len(digits) > 3 {
		out = append([]string{digits[len(digits)-3:]}, out...)
		digits = digits[:len(digits)-3]
	}
	return sign + strings.Join(append([]string{digits}, out...), l.T("number.group"))
}

// Decimal writes x with one digit after the decimal sign, and none if it is 0.
func (l *Locale) Decimal(x float64) string {
	tenths := int64(math.Round(x * 10))
	if tenths%10 == 0 {
		return l.Number(tenths / 10)
	}
	sign := ""
	if tenths < 0 {
		sign, tenths = "-", -tenths
	}
	return sign + l.Number(tenths/10) + l.T("number.point") + strconv.FormatInt(tenths%10, 10)
}

// Percent writes a share (0.35) as whole per cent.
func (l *Locale) Percent(share float64) string {
	return l.T("number.percent", "n", l.Number(int64(math.Round(share*100))))
}

// Share writes a share as Percent does, but with a tenth where it is small: 0.4 %.
func (l *Locale) Share(share float64) string {
	if share >= 0.0995 {
		return l.Percent(share)
	}
	return l.T("number.percent", "n", l.Decimal(share*100))
}

// Bytes writes a size in powers of ten: 41 GB, 3.4 MB.
func (l *Locale) Bytes(n uint64) string {
	units := []string{"size.b", "size.kb", "size.mb", "size.gb", "size.tb"}
	value, unit := float64(n), 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	number := l.Number(int64(math.Round(value)))
	if value < 10 && unit > 0 {
		number = l.Decimal(value)
	}
	return number + noBreak + l.T(units[unit])
}

// Date writes a day: 19 December 2026.
func (l *Locale) Date(t time.Time) string {
	if t.IsZero() {
		return l.T("date.never")
	}
	if t.Day() == 1 {
		return l.T("date.first", "month", l.T("date.month."+strconv.Itoa(int(t.Month()))), "year", strconv.Itoa(t.Year()))
	}
	return l.T("date.day", "day", t.Day(), "month", l.T("date.month."+strconv.Itoa(int(t.Month()))), "year", strconv.Itoa(t.Year()))
}

// ShortDate writes a day of this year in little room: 19 Nov.
func (l *Locale) ShortDate(t time.Time) string {
	month := l.T("date.short." + strconv.Itoa(int(t.Month())))
	if t.Day() == 1 {
		return l.T("date.short.first", "month", month)
	}
	return l.T("date.short", "day", t.Day(), "month", month)
}

// Clock writes the time of day: 16:05.
func (l *Locale) Clock(t time.Time) string { return t.Format("15:04") }

// DateTime writes a day and the time of day.
func (l *Locale) DateTime(t time.Time) string {
	if t.IsZero() {
		return l.T("date.never")
	}
	return l.T("date.time", "date", l.Date(t), "time", l.Clock(t))
}

// Ago writes how long before now t was: "20 seconds ago", "on Thursday", and
// from six days on the date.
func (l *Locale) Ago(t, now time.Time) string {
	if t.IsZero() {
		return l.T("date.never")
	}
	switch d := now.Sub(t); {
	case d < 0:
		return l.DateTime(t)
	case d < 2*time.Second:
		return l.T("ago.now")
	case d < time.Minute:
		return l.T("ago.seconds", "count", int(d/time.Second))
	case d < time.Hour:
		return l.T("ago.minutes", "count", int(d/time.Minute))
	case d < 24*time.Hour:
		return l.T("ago.hours", "count", int(d/time.Hour))
	case d < 6*24*time.Hour:
		return l.T("ago.weekday", "day", l.T("date.weekday."+strconv.Itoa(int(t.Weekday()))), "time", l.Clock(t))
	default:
		return l.Date(t)
	}
}

// Span writes a duration in its largest whole unit: "3 minutes", "26 days".
func (l *Locale) Span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Second:
		return l.T("span.moment")
	case d < time.Minute:
		return l.T("span.seconds", "count", int(d/time.Second))
	case d < time.Hour:
		return l.T("span.minutes", "count", int(d/time.Minute))
	case d < 48*time.Hour:
		return l.T("span.hours", "count", int(d/time.Hour))
	default:
		return l.T("span.days", "count", int(d/(24*time.Hour)))
	}
}

// List joins words as a sentence does: a, b and c.
func (l *Locale) List(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return l.T("list.last", "first", strings.Join(words[:n-1], ", "), "last", words[n-1])
	}
}
