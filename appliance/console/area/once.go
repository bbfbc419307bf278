// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// Once makes agreeing twice with the same form start one change: the second
// time leads to the first one's job. It is safe for concurrent use.
type Once struct {
	now  func() time.Time
	mu   sync.Mutex
	done map[string]*agreed
}

type agreed struct {
	mu  sync.Mutex
	job appliance.JobID
	at  time.Time
}

// onceFor is how long a form is remembered.
const onceFor = time.Hour

// NewOnce remembers nothing yet.
func NewOnce(now func() time.Time) *Once { return &Once{now: now, done: map[string]*agreed{}} }

// Do starts a change with start, unless the key has started one: then it
// returns that. Errors are not remembered, so a form can be sent again.
func (o *Once) Do(key string, start func() (appliance.Job, error)) (appliance.JobID, error) {
	if key == "" {
		job, err := start()
		return job.ID, err
	}
	a := o.entry(key)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.job != 0 {
		return a.job, nil
	}
	job, err := start()
	if err == nil {
		a.job = job.ID
	}
	return job.ID, err
}

// Agree starts what a form with a plan agrees to, once, and leads to the page of
// its job; start is given the hash of the plan that was read. When the plan is
// another one by now, again shows that.
func (o *Once) Agree(ui *webkit.UI, w http.ResponseWriter, r *http.Request, start func(hash string) (appliance.Job, error), again func() error) error {
	job, err := o.Do(r.FormValue(FieldKey), func() (appliance.Job, error) { return start(AgreedHash(r)) })
	if errors.Is(err, &problem.Problem{Code: "plan-changed"}) {
		return again()
	}
	if err != nil {
		return err
	}
	return ui.Redirect(w, r, fmt.Sprintf("/jobs/%d", job))
}

// AgreedHash is the hash of the plan that was read. A form without one agrees to
// no plan.
func AgreedHash(r *http.Request) string { return cmp.Or(r.FormValue(FieldHash), "none") }

func (o *Once) entry(key string) *agreed {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	for k, a := range o.done {
		if now.Sub(a.at) > onceFor {
			delete(o.done, k)
		}
	}
	if o.done[key] == nil {
		o.done[key] = &agreed{at: now}
	}
	return o.done[key]
}
