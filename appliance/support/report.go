// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"encoding/json"

	"coopkit/desk/wire"
)

// report is wire.Report with its entries as they are in the outbox, so that a
// report that is sent again has the same bytes whatever the program has learnt
// in between.
type report struct {
	Version  int               `json:"v"`
	Box      wire.BoxID        `json:"box"`
	Sent     wire.Time         `json:"sent"`
	First    uint64            `json:"first"`
	Previous wire.Head         `json:"prev"`
	Entries  []json.RawMessage `json:"entries"`
}

// around is more than what a report has besides its entries.
const around = 300

// fits says how many of the items go into one report: at least one.
func fits(items []Item) int {
	size := around
	for i, item := range items {
		if size += len(item.Body) + 1; i == wire.MaxEntries || i > 0 && size > wire.MaxReportBytes {
			return i
		}
	}
	return len(items)
}

// encodeReport makes the body of the report with these items.
func encodeReport(l Link, items []Item, sent wire.Time) ([]byte, error) {
	r := report{Version: wire.Version, Box: l.Box, Sent: sent, First: l.Acked + 1, Previous: l.Head}
	for _, i := range items {
		r.Entries = append(r.Entries, json.RawMessage(i.Body))
	}
	return wire.Encode(r)
}

// headAfter is the head of the journal after the items up to number ack.
func headAfter(head wire.Head, items []Item, ack uint64) wire.Head {
	for _, i := range items {
		if i.Seq <= ack {
			head = head.After([]byte(i.Body))
		}
	}
	return head
}
