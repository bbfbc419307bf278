// SPDX-License-Identifier: AGPL-3.0-or-later

package forwarded

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSet_replacesWhatIsThere(t *testing.T) {
	for authority, port := range map[string]string{"www.demo.coop": "443", "www.demo.coop:8443": "8443"} {
		h := http.Header{"X-Forwarded-For": {"203.0.113.9", "203.0.113.10"}, "X-Kept": {"yes"}}
		Visit{IP: "192.0.2.1", Scheme: "https", Authority: authority}.Set(h)
		want := http.Header{
			"X-Forwarded-For": {"192.0.2.1"}, "X-Real-Ip": {"192.0.2.1"}, "X-Forwarded-Host": {authority},
			"X-Forwarded-Port": {port}, "X-Forwarded-Proto": {"https"}, "X-Kept": {"yes"},
		}
		if diff := cmp.Diff(want, h); diff != "" {
			t.Errorf("%s (-want +got):\n%s", authority, diff)
		}
	}
}
