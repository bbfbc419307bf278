// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"strconv"
	"time"
)

// How the values of a finding are written in its Args; see appliance.Finding.

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func number(n uint64) string { return strconv.FormatUint(n, 10) }
