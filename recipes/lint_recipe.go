// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Languages every text for people must have.
var Languages = []string{"en", "es", "fr"}

// products is the network's product list: what a co-op may need.
var products = []string{
	"accounting", "calendar", "chat", "decisions", "files", "forms", "identity", "mail", "meetings", "members",
	"other", "passwords", "projects", "shop", "support", "website", "wiki",
}

var versionRange = regexp.MustCompile(`^(>=|<=|>|<|=)[0-9][0-9A-Za-z.+-]*( (>=|<=|>|<|=)[0-9][0-9A-Za-z.+-]*)*$`)

// wrong adds an issue at a path of recipe.yaml, such as "web/0/service".
func (l *linter) wrong(path, code, what, next string) {
	n := l.doc
	if path != "" {
		n = l.doc.at(strings.Split(path, "/")...)
	}
	l.issues.add(recipeFile, n, code, what, next)
}

func (l *linter) checkRecipe() {
	r := l.recipe
	if !slices.Contains(products, r.Need) {
		l.wrong("need", "need-unknown", fmt.Sprintf("%q is not on the product list%s", r.Need, didYouMean(r.Need, products)), "use one of: "+strings.Join(products, ", "))
	}
	if !slices.Contains(licences, r.Licence) {
		l.wrong("licence", "licence", fmt.Sprintf("%q is not a licence that the OSI or the FSF approved%s", r.Licence, didYouMean(r.Licence, licences)),
			"write the SPDX identifier of a free software licence; other software has no place in the catalogue")
	}
	l.checkTexts("title", r.Title)
	l.checkTexts("summary", r.Summary)
	l.checkWeb()
	l.checkSettings()
	l.checkSecrets()
	l.checkData()
	l.checkCheck("health", r.Health)
	for i, c := range r.Smoke {
		l.checkCheck(fmt.Sprintf("smoke/%d", i), c)
	}
	l.checkFirstAccount()
	l.checkMappings()
	for i, from := range r.Upgrade.From {
		if !versionRange.MatchString(from) {
			l.wrong(fmt.Sprintf("upgrade/from/%d", i), "version-range", fmt.Sprintf("%q is not a range of versions", from), `write one such as ">=6.0 <8.0"`)
		}
	}
	if (r.Rename.How == "exec") != (len(r.Rename.Exec) > 0) {
		l.wrong("rename", "rename", "rename has commands exactly when it says how: exec", "add exec steps, or choose restart or never")
	}
	l.checkExec("rename/exec", r.Rename.Exec)
	for i, s := range r.AntiFeatures {
		if strings.TrimSpace(s) == "" {
			l.wrong(fmt.Sprintf("anti_features/%d", i), "text-empty", "the text is empty", "write what a co-op should know, or remove the line")
		}
	}
}

func (l *linter) checkTexts(path string, texts map[string]string) {
	for _, lang := range Languages {
		if strings.TrimSpace(texts[lang]) == "" {
			l.wrong(path, "language-missing", fmt.Sprintf("%s has no text in %q", strings.ReplaceAll(path, "/", "."), lang), "add it; every text is there in "+strings.Join(Languages, ", "))
		}
	}
}

// unique reports names that are there twice, also once they are variables.
func (l *linter) unique(list string, names []string) {
	seen := map[string]bool{}
	for i, name := range names {
		if seen[VariableName(name)] {
			l.wrong(fmt.Sprintf("%s/%d/name", list, i), "name-twice", fmt.Sprintf("%q is there twice", name), "give each its own name; - and _ count as the same")
		}
		seen[VariableName(name)] = true
	}
}

func (l *linter) checkWeb() {
	var names []string
	for i, w := range l.recipe.Web {
		names = append(names, w.Name)
		l.checkService(fmt.Sprintf("web/%d/service", i), w.Service)
	}
	l.unique("web", names)
}

// checkService makes sure that compose.yaml has the service.
func (l *linter) checkService(path, service string) {
	if l.compose == nil {
		return
	}
	services := l.compose.at("services")
	if services.fields[service] == nil {
		l.wrong(path, "service-unknown", fmt.Sprintf("compose.yaml has no service %q%s", service, didYouMean(service, services.names())),
			"use one of: "+strings.Join(services.names(), ", "))
	}
}

func (l *linter) checkWebName(path, name string) {
	if name == "" {
		return
	}
	var names []string
	for _, w := range l.recipe.Web {
		names = append(names, w.Name)
	}
	if !slices.Contains(names, name) {
		l.wrong(path, "web-unknown", fmt.Sprintf("there is no web service %q%s", name, didYouMean(name, names)), "use one of: "+strings.Join(names, ", "))
	}
}

func (l *linter) checkSettings() {
	var names []string
	for i, s := range l.recipe.Settings {
		path := fmt.Sprintf("settings/%d", i)
		names = append(names, s.Name)
		l.checkTexts(path+"/title", s.Title)
		if len(s.Help) > 0 {
			l.checkTexts(path+"/help", s.Help)
		}
		if (s.Type == "choice") != (len(s.Choices) > 0) {
			l.wrong(path, "setting-choices", "a setting has choices exactly when its type is choice", "add choices, or use another type")
			continue
		}
		l.checkLabels(path, s)
		if _, err := regexp.Compile(s.Pattern); err != nil {
			l.wrong(path+"/pattern", "setting-pattern", "the pattern is not a regular expression: "+err.Error(), "correct it; the syntax is RE2")
			continue
		}
		if s.Default != "" {
			if _, err := s.check(s.Default); err != nil {
				l.wrong(path+"/default", "setting-default", "the default is not a valid answer to its own question", "choose a default that fits the type, the choices and the pattern")
			}
		}
	}
	l.unique("settings", names)
}

// checkLabels makes sure that people read words, and not what the program reads.
func (l *linter) checkLabels(path string, s Setting) {
	for _, choice := range s.Choices {
		if len(s.Labels[choice]) == 0 {
			l.wrong(path, "setting-labels", fmt.Sprintf("the choice %q has no words for people", choice), "add them under labels, in en, es and fr")
			continue
		}
		l.checkTexts(path+"/labels/"+choice, s.Labels[choice])
	}
	for choice := range s.Labels {
		if !slices.Contains(s.Choices, choice) {
			l.wrong(path+"/labels", "setting-labels-unknown", fmt.Sprintf("labels has %q, which is no choice%s", choice, didYouMean(choice, s.Choices)), "correct it, or add the choice")
		}
	}
}

func (l *linter) checkSecrets() {
	var names []string
	for _, s := range l.recipe.Secrets {
		names = append(names, s.Name)
	}
	l.unique("secrets", names)
}

func (l *linter) checkData() {
	seen := map[string]bool{}
	for i, d := range l.recipe.Data {
		path := fmt.Sprintf("data/%d", i)
		if seen[d.Volume] {
			l.wrong(path+"/volume", "name-twice", fmt.Sprintf("the volume %q is there twice", d.Volume), "keep one of them")
		}
		seen[d.Volume] = true
		if l.compose != nil {
			volumes := l.compose.at("volumes")
			if l.compose.fields["volumes"] == nil || volumes.fields[d.Volume] == nil {
				l.wrong(path+"/volume", "volume-unknown", fmt.Sprintf("compose.yaml has no volume %q", d.Volume), "add it to volumes, or correct the name")
			}
		}
		served := d.Engine == "mariadb" || d.Engine == "postgresql"
		switch {
		case (d.Kind == "database") != (d.Engine != ""):
			l.wrong(path, "data-engine", "data has an engine exactly when it is a database", "add engine: mariadb, postgresql or sqlite, or use kind: files")
		case served && (d.Service == "" || len(d.Dump) == 0):
			l.wrong(path, "data-dump", "a database that a service serves needs the service and the command that dumps it", "add service and dump, so that backups are consistent")
		}
		if d.Service != "" {
			l.checkService(path+"/service", d.Service)
		}
	}
	if l.compose == nil || l.compose.fields["volumes"] == nil {
		return
	}
	volumes := l.compose.fields["volumes"]
	for _, name := range volumes.names() {
		if !seen[name] {
			l.issues.add(composeFile, volumes.key(name), "volume-unlisted", fmt.Sprintf("recipe.yaml does not say what the volume %q holds", name),
				"add it to data, so that it is backed up (kind: cache if it need not be)")
		}
	}
}

func (l *linter) checkCheck(path string, c Check) {
	l.checkWebName(path+"/web", c.Web)
	for i, status := range c.Status {
		if status < 100 || status > 599 {
			l.wrong(fmt.Sprintf("%s/status/%d", path, i), "status", strconv.Itoa(status)+" is not an HTTP status", "use one from 100 to 599")
		}
	}
}

func (l *linter) checkFirstAccount() {
	a := l.recipe.FirstAccount
	const path = "first_account"
	if a.None {
		if a.User != "" || a.Password != "" || len(a.HTTP)+len(a.Exec) > 0 || a.Proof != nil {
			l.wrong(path, "first-account", "first_account says that there is none, and how to make it", "keep one of them")
		}
		return
	}
	if a.User == "" || a.Password == "" || len(a.HTTP)+len(a.Exec) == 0 || a.Proof == nil {
		l.wrong(path, "first-account", "first_account does not say how the owner's account is made and proved",
			"add user, password, http or exec steps, and proof; or none: true when the app has no accounts")
		return
	}
	l.checkSecretName(path+"/password", a.Password)
	l.checkVariables(path+"/user", a.User)
	for i, step := range a.HTTP {
		at := fmt.Sprintf("%s/http/%d", path, i)
		l.checkWebName(at+"/web", step.Web)
		for field, value := range step.Form {
			l.checkVariables(at+"/form/"+field, value)
		}
	}
	l.checkExec(path+"/exec", a.Exec)
	l.checkCheck(path+"/proof", *a.Proof)
}

func (l *linter) checkSecretName(path, name string) {
	var names []string
	for _, s := range l.recipe.Secrets {
		names = append(names, s.Name)
	}
	if !slices.Contains(names, name) {
		l.wrong(path, "secret-unknown", fmt.Sprintf("there is no secret %q%s", name, didYouMean(name, names)), "declare it under secrets")
	}
}

func (l *linter) checkExec(path string, steps []ExecStep) {
	for i, step := range steps {
		at := fmt.Sprintf("%s/%d", path, i)
		l.checkService(at+"/service", step.Service)
		l.checkVariables(at+"/stdin", step.Stdin)
		for j, arg := range step.Command {
			argAt := fmt.Sprintf("%s/command/%d", at, j)
			l.checkVariables(argAt, arg)
			names, _ := references(arg)
			if slices.ContainsFunc(names, func(n string) bool {
				return strings.HasPrefix(n, "SECRET_") || strings.HasPrefix(n, "SETTING_")
			}) {
				l.wrong(argAt, "command-variable", "a command line shows a secret to every process, or runs what somebody typed", "give it on stdin")
			}
		}
	}
}

// checkVariables reports unknown variables and stray dollar signs.
func (l *linter) checkVariables(path, text string) {
	l.variables(recipeFile, l.doc.at(strings.Split(path, "/")...), text, l.recipe.known())
}

func (l *linter) variables(file string, at *node, text string, known []string) {
	names, ok := references(text)
	if !ok {
		l.issues.add(file, at, "variable-form", "a dollar sign is neither ${NAME} nor $$", "write ${NAME} for a variable and $$ for a dollar sign")
	}
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		code, next := "variable-unknown", "use one of: "+strings.Join(known, ", ")
		if strings.HasPrefix(name, "SECRET_") {
			code, next = "secret-unknown", "declare it under secrets in recipe.yaml"
		}
		l.issues.add(file, at, code, fmt.Sprintf("there is no variable %s%s", name, didYouMean(name, known)), next)
	}
}

// checkMappings checks outgoing mail and sign-in, which map the box's values
// to the app's environment variables.
func (l *linter) checkMappings() {
	if m := l.recipe.Mail; m != nil {
		l.checkService("mail/service", m.Service)
		for name, value := range m.Env {
			l.variables(recipeFile, l.doc.at("mail", "env", name), value, []string{"MAIL_FROM", "MAIL_HOST", "MAIL_PASSWORD", "MAIL_PORT", "MAIL_USER"})
		}
	}
	if s := l.recipe.SignIn; s != nil {
		l.checkService("sign_in/service", s.Service)
		for name, value := range s.Env {
			l.variables(recipeFile, l.doc.at("sign_in", "env", name), value, []string{"OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ISSUER", "URL"})
		}
	}
}
