// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"fmt"
	"slices"
	"strings"
)

// Reference is docs/reference/checks.md, made from what the checks say of
// themselves.
func Reference(checks []Check) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, c := range checks {
		every := c.Every
		if every <= 0 {
			every = usualEvery
		}
		fmt.Fprintf(&b, "## %s\n\nThe check `%s` looks at %s every %s.\n\n", c.Name, c.Name, c.Title, span(every))
		for _, code := range c.Codes {
			describe(&b, code)
		}
	}
	b.WriteString("## registry\n\nThe registry itself can say this of every check.\n\n")
	describe(&b, couldNotLook)
	return strings.TrimSuffix(b.String(), "\n")
}

const referenceHead = `<!-- Made from the code: go test ./appliance/health -run Reference -update -->

# Checks

For everybody who reads what ` + "`coopkit doctor`" + `, the console or the desk shows. Codes are stable and the
same in every language, so they can be searched for. How to read a finding is told in
[Read the doctor](../how-to/read-the-doctor.md).

**Notice**: nothing breaks. **Warning**: it will break. **Critical**: people are affected, or data is at risk, now.

A finding shows after it was seen as often in a row as its entry says, and goes after it was gone as often.
` + "`coopkit doctor`" + ` does not wait: it looks at everything at once. A finding that another one explains is hidden
below it.

`

func describe(b *strings.Builder, c Code) {
	fmt.Fprintf(b, "### %s\n\n%s, at worst. %s\n\n", c.Code, title(c.Severity.String()), c.Means)
	fmt.Fprintf(b, "- shows after %s, goes after %s\n", times(c.VisibleAfter), times(c.HoldAfter))
	if len(c.DependsOn) > 0 {
		causes := slices.Sorted(slices.Values(c.DependsOn))
		fmt.Fprintf(b, "- hidden below %s\n", strings.Join(causes, ", "))
	}
	b.WriteString("\n")
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func times(n int) string {
	if n = orUsual(n); n == 1 {
		return "one look"
	}
	return fmt.Sprintf("%d looks", orUsual(n))
}
