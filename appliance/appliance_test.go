// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseInstallName(t *testing.T) {
	for in, ok := range map[string]bool{
		"wordpress": true, "members-wiki": true, "a1": true,
		"": false, "1a": false, "-a": false, "a-": false, "a--b": false, "A": false, "a b": false, "a/b": false,
		strings.Repeat("a", 41): false,
	} {
		if _, err := ParseInstallName(in); (err == nil) != ok {
			t.Errorf("ParseInstallName(%q): %v; want ok=%v", in, err, ok)
		}
	}
}

func TestActor_readsTheWordsOfTheFirstVersion(t *testing.T) {
	for stored, want := range map[string]Actor{
		"you": You, "your Internet provider": YourISP, "your IT co-op": YourITCoop, "isp": YourISP, "itcoop": YourITCoop, "later": "later",
	} {
		var f Finding
		if err := json.Unmarshal([]byte(`{"code":"X","who":"`+stored+`"}`), &f); err != nil || f.Who != want {
			t.Errorf("%q reads as %q, %v; want %q", stored, f.Who, err, want)
		}
	}
}

func TestSeverity_roundTripsAndUnknownIsCritical(t *testing.T) {
	for s := OK; s <= Critical; s++ {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got Severity
		if err := json.Unmarshal(b, &got); err != nil || got != s {
			t.Errorf("%v → %s → %v, %v", s, b, got, err)
		}
	}
	var got Severity
	if err := json.Unmarshal([]byte(`"catastrophic"`), &got); err != nil || got != Critical {
		t.Errorf("unknown severity reads as %v, %v", got, err)
	}
}
