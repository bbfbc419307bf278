// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"fmt"
	"maps"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
)

// daysInWeek is how many days Week has.
const daysInWeek = 7

// Week returns the last seven days, today last, with what showed on each, also
// what was only a consequence of something else.
func (r *Registry) Week(ctx context.Context) ([]appliance.Day, error) {
	now := r.deps.Clock()
	week := make([]appliance.Day, daysInWeek)
	for i := range week {
		week[i].Date = dateOf(now, i+1-daysInWeek)
	}
	if r.deps.Store == nil {
		return week, nil
	}
	kept, err := r.deps.Store.Days(ctx, week[0].Date)
	if err != nil {
		return nil, fmt.Errorf("read the week: %w", err)
	}
	for _, day := range kept {
		for i := range week {
			if week[i].Date == day.Date {
				week[i] = day
			}
		}
	}
	return week, nil
}

// dateOf is the date of a moment, so many days later, in the time zone of the
// box.
func dateOf(at time.Time, days int) string {
	return at.Local().AddDate(0, 0, days).Format(time.DateOnly)
}

// noteDay takes what shows into today's page. It returns the page when there is
// something new on it. The caller holds mu.
func (r *Registry) noteDay(at time.Time) (appliance.Day, bool) {
	date := dateOf(at, 0)
	news := !r.writeAgain.IsZero() && at.After(r.writeAgain)
	if r.today.Date != date {
		news = true
		r.today = appliance.Day{Date: date, Looked: true, Worst: map[string]appliance.Severity{}}
	}
	for _, s := range r.known {
		if f := s.finding; s.visible && f.Severity > r.today.Worst[f.Subject] {
			r.today.Worst[f.Subject] = f.Severity
			news = true
		}
	}
	if !news {
		return appliance.Day{}, false
	}
	page := r.today
	page.Worst = maps.Clone(page.Worst) // today's goes on changing
	return page, true
}

// writeAgainAfter is when a page is tried again that could not be written: a full
// disk does not fill the log as well.
const writeAgainAfter = 10 * time.Minute

// keepDay writes a page.
func (r *Registry) keepDay(ctx context.Context, page appliance.Day) {
	if r.deps.Store == nil {
		return
	}
	err := r.deps.Store.KeepDay(ctx, page)
	if err != nil {
		r.deps.Log.ErrorContext(ctx, "cannot keep what this day was like", logkey.Err, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writeAgain = time.Time{}
	if err != nil {
		r.writeAgain = r.deps.Clock().Add(writeAgainAfter)
	}
}
