// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"crypto/rand"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"coopkit/internal/problem"
)

// secretLetters leaves out what people confuse when they read it aloud or
// type it: 0 O o, 1 I l.
const secretLetters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

const maxAnswer = 4096 // bytes

// dollar is one $ of a text that takes variables: ${NAME}, $$, or a mistake.
var dollar = regexp.MustCompile(`\$(\$|\{[A-Z][A-Z0-9_]*\}|)`)

// references returns the variables that s uses, and whether every $ in it is
// either ${NAME} or $$.
func references(s string) (names []string, ok bool) {
	ok = true
	for _, m := range dollar.FindAllString(s, -1) {
		switch {
		case m == "$":
			ok = false
		case m != "$$":
			names = append(names, m[2:len(m)-1])
		}
	}
	return names, ok
}

// Expand replaces ${NAME} by its value and $$ by $. The error is a Problem
// "recipe-variable" for a variable that vars does not have, or another use of $.
func Expand(s string, vars Vars) (string, error) {
	names, ok := references(s)
	if !ok {
		return "", unknownVariable("$")
	}
	for _, name := range names {
		if _, known := vars[name]; !known {
			return "", unknownVariable(name)
		}
	}
	return dollar.ReplaceAllStringFunc(s, func(m string) string {
		if m == "$$" {
			return "$"
		}
		return vars[m[2:len(m)-1]]
	}), nil
}

func unknownVariable(name string) error {
	return &problem.Problem{
		Code: "recipe-variable", Kind: problem.Invalid,
		What: "the recipe uses a variable that has no value here: " + name,
		Next: []string{"coopkit recipe lint", "write ${NAME} for a variable and $$ for a dollar sign"},
	}
}

// VariableName returns the part of a variable's name that stands for a
// setting, a secret or a web service: upper case, underscores for hyphens.
func VariableName(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// known returns every variable that the recipe may use.
func (r *Recipe) known() []string {
	names := []string{"HOST", "URL", "TIMEZONE"}
	for i, w := range r.Web {
		if i > 0 {
			names = append(names, "HOST_"+VariableName(w.Name), "URL_"+VariableName(w.Name))
		}
	}
	for _, s := range r.Settings {
		names = append(names, "SETTING_"+VariableName(s.Name))
	}
	for _, s := range r.Secrets {
		names = append(names, "SECRET_"+VariableName(s.Name))
	}
	return names
}

// walkText calls visit for every scalar value below n (not for keys).
func (n *node) walkText(visit func(*node)) {
	switch n.kind {
	case mapping:
		for _, name := range n.names() {
			n.fields[name].walkText(visit)
		}
	case sequence:
		for _, item := range n.items {
			item.walkText(visit)
		}
	default:
		visit(n)
	}
}

// GenerateSecrets makes every secret of the recipe, by name.
func GenerateSecrets(r *Recipe) map[string]string {
	out := make(map[string]string, len(r.Secrets))
	for _, s := range r.Secrets {
		out[s.Name] = secret(s.Length)
	}
	return out
}

// secret returns n random letters, each equally likely: bytes past the last
// whole multiple of the alphabet are drawn again.
func secret(n int) string {
	const fair = 256 / len(secretLetters) * len(secretLetters)
	out := make([]byte, 0, n)
	draw := make([]byte, 64)
	for len(out) < n {
		_, _ = rand.Read(draw) // never fails: crypto/rand ends the program instead
		for _, b := range draw {
			if int(b) < fair && len(out) < n {
				out = append(out, secretLetters[int(b)%len(secretLetters)])
			}
		}
	}
	return string(out)
}

// CheckSettings returns the answers with the recipe's defaults filled in, by
// setting name. The error is a Problem "setting-invalid" that names the
// setting and says what a valid answer is.
func CheckSettings(r *Recipe, answers map[string]string) (map[string]string, error) {
	names := make([]string, len(r.Settings))
	for i, s := range r.Settings {
		names[i] = s.Name
	}
	next := "leave it away: " + r.Name + " asks nothing"
	if len(names) > 0 {
		next = "use one of: " + strings.Join(names, ", ")
	}
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		if !slices.Contains(names, name) {
			return nil, settingProblem(name, "the app "+r.Name+" has no such setting"+didYouMean(name, names), next)
		}
	}
	out := make(map[string]string, len(r.Settings))
	for _, s := range r.Settings {
		answer, given := answers[s.Name]
		if !given || (answer == "" && s.Type != "text") {
			answer = s.Default
		}
		value, err := s.check(strings.TrimSpace(answer))
		if err != nil {
			return nil, err
		}
		out[s.Name] = value
	}
	return out, nil
}

// check returns the answer in its one spelling.
func (s Setting) check(answer string) (string, error) {
	bad := func(why, next string) (string, error) { return "", settingProblem(s.Name, why, next) }
	if answer == "" {
		if s.Required {
			return bad("it needs an answer", "give it with --set "+s.Name+"=…")
		}
		return "", nil
	}
	if len(answer) > maxAnswer || strings.ContainsFunc(answer, unicode.IsControl) {
		return bad("the answer is too long or has invisible characters", "give one line of text")
	}
	switch s.Type {
	case "email":
		if a, err := mail.ParseAddress(answer); err != nil || a.Address != answer {
			return bad("the answer is not an e-mail address", "give one such as office@demo.coop")
		}
	case "number":
		n, err := strconv.ParseInt(answer, 10, 64)
		if err != nil {
			return bad("the answer is not a whole number", "give one such as 10")
		}
		answer = strconv.FormatInt(n, 10)
	case "bool":
		b, err := strconv.ParseBool(answer)
		if err != nil {
			return bad("the answer is neither true nor false", "give true or false")
		}
		answer = strconv.FormatBool(b)
	case "choice":
		if !slices.Contains(s.Choices, answer) {
			return bad("the answer is not one of the choices"+didYouMean(answer, s.Choices), "give one of: "+strings.Join(s.Choices, ", "))
		}
	}
	if s.Pattern != "" {
		if re, err := regexp.Compile(`^(?:` + s.Pattern + `)$`); err != nil || !re.MatchString(answer) {
			return bad("the answer does not have the right form", "give one that matches "+s.Pattern)
		}
	}
	return answer, nil
}

func settingProblem(name, why, next string) error {
	return &problem.Problem{
		Code: "setting-invalid", Kind: problem.Invalid,
		What: "the setting " + name + " cannot be used as it is",
		Why:  why,
		Next: []string{next},
	}
}
