// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"encoding/json"
	"fmt"
	"time"

	"coopkit/desk/wire"
)

// Missing makes the item that stands for samples taken at these times (oldest
// first, at least one) and for those that earlier, a Missing item or nil,
// stands for already.
func Missing(earlier *Item, times []time.Time) (Item, error) {
	m := wire.Missing{Samples: len(times), From: wire.At(times[0]), To: wire.At(times[len(times)-1])}
	if earlier != nil {
		var e wire.Entry
		if err := json.Unmarshal([]byte(earlier.Body), &e); err != nil || e.Missing == nil {
			return Item{}, fmt.Errorf("read what is missing: %w", err)
		}
		m.Samples += e.Missing.Samples
		m.From = e.Missing.From
	}
	if m.To.Before(m.From.Time) { // the clock was set back in between
		m.From, m.To = m.To, m.From
	}
	return newItem(KindMissing, wire.Entry{At: m.From, Missing: &m})
}

// newItem makes an item of an entry, within the limits of the desk.
func newItem(kind string, e wire.Entry) (Item, error) {
	e = e.Tidy()
	body, err := wire.Encode(e)
	if err != nil {
		return Item{}, err
	}
	return Item{Kind: kind, At: e.At.Time, Body: string(body)}, nil
}
