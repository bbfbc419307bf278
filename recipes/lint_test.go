// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"coopkit/internal/problem"
)

// good returns a copy of a recipe of the catalogue to make mistakes in.
func good(tb testing.TB, name string) fstest.MapFS {
	tb.Helper()
	out := fstest.MapFS{}
	root := os.DirFS("catalogue/" + name)
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		out[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// mistakes are edits that turn the WordPress recipe into one that is refused:
// one line of golden output or more for each.
var mistakes = []struct{ name, file, old, new string }{
	{"privileged", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    privileged: true"},
	{"host network", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    network_mode: host"},
	{"host processes", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    pid: host"},
	{"host ipc", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    ipc: host"},
	{"host uts", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    uts: host"},
	{"host users", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    userns_mode: host"},
	{"device", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    devices: [/dev/kvm]"},
	{"docker socket", composeFile, "- site:/var/www/html", "- /var/run/docker.sock:/var/run/docker.sock"},
	{"api socket", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    use_api_socket: true"},
	{"bind mount", composeFile, "- site:/var/www/html", "- ./site:/var/www/html"},
	{"bind mount, long", composeFile, "- site:/var/www/html", "- {type: bind, source: /etc, target: /mnt}"},
	{"home mount", composeFile, "- site:/var/www/html", "- ~/site:/var/www/html"},
	{"unnamed volume", composeFile, "- site:/var/www/html", "- /var/www/html"},
	{"mount options", composeFile, "- site:/var/www/html", "- site:/var/www/html:z"},
	{"unknown volume", composeFile, "- site:/var/www/html", "- sites:/var/www/html"},
	{"published port", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    ports: [\"80:80\"]"},
	{"build", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    build: ."},
	{"image without tag", composeFile, "wordpress:7.0.2-apache@", "wordpress@"},
	{"image without registry", composeFile, "docker.io/library/wordpress:", "wordpress:"},
	{"image that is none", composeFile, "docker.io/library/wordpress:", "WordPress!"},
	{"capability", composeFile, "cap_add: [CHOWN, DAC_OVERRIDE, FOWNER, KILL,", "cap_add: [SYS_ADMIN, ALL, NET_ADMIN,"},
	{"security_opt", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    security_opt: [seccomp=unconfined]"},
	{"sysctls", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    sysctls: {net.ipv4.ip_forward: \"1\"}"},
	{"cgroup_parent", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    cgroup_parent: /"},
	{"container_name", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    container_name: wp"},
	{"logging", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    logging: {driver: syslog}"},
	{"env_file", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    env_file: .env"},
	{"extends", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    extends: {file: x.yaml, service: y}"},
	{"include", composeFile, "services:", "include: [other.yaml]\nservices:"},
	{"project name", composeFile, "services:", "name: mine\nservices:"},
	{"custom network", composeFile, "volumes:\n  site: {}", "networks: {lan: {}}\nvolumes:\n  site: {}"},
	{"service in network", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    networks: [lan]"},
	{"external volume", composeFile, "  site: {}", "  site: {external: true}"},
	{"volume with driver", composeFile, "  site: {}", "  site: {driver_opts: {type: none, o: bind, device: /}}"},
	{"restart", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    restart: always"},
	{"unknown key of a service", composeFile, "    mem_limit: 512m", "    mem_limits: 512m"},
	{"unknown key of compose.yaml", composeFile, "configs:\n  php:", "config: {}\nconfigs:\n  php:"},
	{"no memory limit", composeFile, "    mem_limit: 384m\n", ""},
	{"unknown variable", composeFile, "${URL}", "${URI}"},
	{"undeclared secret", composeFile, "${SECRET_DB_ROOT_PASSWORD}", "${SECRET_ROOT_PASSWORD}"},
	{"variable with default", composeFile, "${URL}", "${URL:-x}"},
	{"variable in a command", composeFile, "--max-connections=40", "--init-file=${SETTING_TITLE}"},
	{"value of the box", composeFile, "      WORDPRESS_DB_HOST: db\n", "      WORDPRESS_DB_HOST:\n"},
	{"environment as a list", composeFile, "    environment:\n      MARIADB_ROOT_PASSWORD: ${SECRET_DB_ROOT_PASSWORD}\n", "    environment: [PATH]\n    x-rest:\n      MARIADB_ROOT_PASSWORD: x\n"},
	{"config from a file", composeFile, "  php:\n    content: |", "  php:\n    file: ./php.ini\n  other:\n    content: |"},
	{"unknown config", composeFile, "source: php", "source: phpp"},
	{"depends on nobody", composeFile, "      db:\n        condition", "      database:\n        condition"},
	{"cycle", composeFile, "    mem_limit: 384m", "    mem_limit: 384m\n    depends_on: [app]"},
	{"health of nothing", composeFile, "    healthcheck:\n      test: [CMD, healthcheck.sh, --connect, --innodb_initialized]\n      interval: 5s\n      timeout: 5s\n      start_period: 1m\n      retries: 6\n", ""},
	{"wrong duration", composeFile, "stop_grace_period: 30s", "stop_grace_period: soon"},
	{"anchor", composeFile, "      WORDPRESS_DB_HOST: db", "      WORDPRESS_DB_HOST: &db db"},
	{"not YAML", composeFile, "services:", "services: ["},
	{"key twice", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    mem_limit: 1g"},
	{"bridge network", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    network_mode: bridge"},
	{"network of another", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    network_mode: service:db"},
	{"no network", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    network_mode: none"},
	{"no new privileges", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    security_opt: [no-new-privileges:true]"},
	{"no capabilities", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    cap_drop: [ALL]"},
	{"memory in deploy", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    deploy: {resources: {limits: {memory: 64m}}}"},
	{"ulimits", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    ulimits: {nofile: 1024}"},
	{"terminal", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    tty: true"},
	{"extension", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    x-note: hello"},
	{"number in a command", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    command: [--x, 40]"},
	{"number as user", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    user: 999"},
	{"wrong signal", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    stop_signal: SIGFOO"},
	{"wrong size", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    shm_size: much"},
	{"wrong bool", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    init: \"yes\""},
	{"wrong count", composeFile, "    mem_limit: 512m", "    mem_limit: 512m\n    pids_limit: 0"},
	{"too little memory", composeFile, "mem_limit: 384m", "mem_limit: 1"},
	{"number that loses digits", composeFile, "      WORDPRESS_DB_HOST: db", "      WORDPRESS_DB_HOST: 12345678901234567890"},
	{"number with a zero", composeFile, "      WORDPRESS_DB_HOST: db", "      WORDPRESS_DB_HOST: 1.10"},
	{"services as a list", composeFile, "services:\n", "services:\n  - app\nx-services:\n"},
	{"image without digest and registry", composeFile, "docker.io/library/mariadb:", "mariadb:"},
	{"one-letter volume", composeFile, "  site: {}", "  s: {}"},
	{"wait for a health check that is off", composeFile, "      test: [CMD, healthcheck.sh, --connect, --innodb_initialized]\n", "      disable: true\n"},
	{"wait for a test that is none", composeFile, "      test: [CMD, healthcheck.sh, --connect, --innodb_initialized]\n", "      test: [NONE]\n"},
	{"test that is none of Compose's", composeFile, "      test: [CMD, healthcheck.sh, --connect, --innodb_initialized]\n", "      test: [healthcheck.sh, --connect]\n"},
	{"unknown key of a health check", composeFile, "      test: [CMD, healthcheck.sh, --connect, --innodb_initialized]\n", "      tests: [CMD, healthcheck.sh, --connect]\n"},

	{"unknown key", recipeFile, "licence:", "license:"},
	{"unknown key below", recipeFile, "    port: 80", "    prot: 80"},
	{"wrong type", recipeFile, "version: 7.0.2-2", "version: 7.0"},
	{"wrong choice", recipeFile, "type: email", "type: mail"},
	{"out of range", recipeFile, "port: 80", "port: 80000"},
	{"wrong form", recipeFile, "homepage: https:", "homepage: http:"},
	{"wrong duration in a check", recipeFile, "within: 3m", "within: 3 minutes"},
	{"missing language", recipeFile, "  fr: Un site web et un blog que les membres écrivent eux-mêmes\n", ""},
	{"licence", recipeFile, "licence: GPL-2.0-or-later", "licence: BUSL-1.1"},
	{"need", recipeFile, "need: website", "need: web"},
	{"web service", recipeFile, "    service: app\n    port", "    service: ap\n    port"},
	{"volume without data", recipeFile, "  - volume: site\n    kind: files\n", ""},
	{"data without volume", recipeFile, "  - volume: site\n", "  - volume: sites\n"},
	{"database without dump", recipeFile, "    service: db\n", ""},
	{"files with engine", recipeFile, "    kind: files\n", "    kind: files\n    engine: sqlite\n"},
	{"no health", recipeFile, "health:\n  path: /wp-login.php\n  status: [200, 302]\n  within: 3m\n", ""},
	{"status", recipeFile, "status: [200, 302]", "status: [200, 3020]"},
	{"no first account", recipeFile, "  user: admin\n  password: admin-password\n", ""},
	{"first account twice", recipeFile, "first_account:\n", "first_account:\n  none: true\n"},
	{"password nobody declared", recipeFile, "  password: admin-password", "  password: admin-pasword"},
	{"variable in a form", recipeFile, "${SETTING_TITLE}", "${SETTING_NAME}"},
	{"choices without choice", recipeFile, "    type: choice\n", "    type: text\n"},
	{"choice without words", recipeFile, "      es_ES: {en: Español, es: Español, fr: Español}\n", ""},
	{"words in two languages", recipeFile, "      es_ES: {en: Español, es: Español, fr: Español}\n", "      es_ES: {en: Español, es: Español}\n"},
	{"words without choice", recipeFile, "      es_ES: {en: Español", "      es_EN: {en: Español"},
	{"wrong default", recipeFile, "default: en_US", "default: en"},
	{"wrong pattern", recipeFile, "    type: text\n", "    type: text\n    pattern: \"(\"\n"},
	{"name twice", recipeFile, "  - name: db-root-password", "  - name: db_password"},
	{"version range", recipeFile, "\">=6.0 <8.0\"", "\"6.0 to 8.0\""},
	{"rename without commands", recipeFile, "  how: restart", "  how: exec"},
	{"no folder", recipeFile, "    debian: app", "    debian: ap"},
	{"folder elsewhere", recipeFile, "    debian: app", "    debian: ../../app"},
	{"image of no service", recipeFile, "  app:\n    debian: app", "  web:\n    debian: app"},
	{"secret on the command line", recipeFile, "rename:\n  how: restart", "rename:\n  how: exec\n  exec:\n    - service: app\n      command: [echo, \"${SECRET_ADMIN_PASSWORD}\"]"},
	{"mail to nobody", recipeFile, "rename:\n", "mail:\n  service: mailer\n  env: {SMTP: \"${MAIL_HOSTS}\"}\nrename:\n"},

	{"other base", "debian/db/Dockerfile", "FROM ${BASE}", "FROM docker.io/library/debian"},
	{"readme", readmeFile, "## Known limits", "## Limits"},
	{"script in the icon", iconFile, "</svg>", "<script>alert(1)</script></svg>"},
	{"handler in the icon", iconFile, `fill="#27496d"`, `onload="x()" fill="#27496d"`},
	{"no XML", iconFile, "</svg>", "<"},
}

func TestLint_saysWhatIsWrongAndWhere(t *testing.T) {
	var got strings.Builder
	for _, m := range mistakes {
		fsys := good(t, "wordpress")
		before := string(fsys[m.file].Data)
		after := strings.Replace(before, m.old, m.new, 1)
		if before == after {
			t.Errorf("%s: %q is not in %s", m.name, m.old, m.file)
		}
		fsys[m.file].Data = []byte(after)
		found, err := Lint(fsys)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			t.Errorf("%s: nothing was found", m.name)
		}
		fmt.Fprintf(&got, "== %s\n", m.name)
		for _, issue := range found {
			if issue.Next == "" {
				t.Errorf("%s: no remedy: %s", m.name, issue)
			}
			fmt.Fprintln(&got, issue)
		}
		_, err = Load(fsys)
		if p := problem.From(err, ""); !errors.Is(err, &problem.Problem{Code: "recipe-invalid"}) || len(p.Next) == 0 {
			t.Errorf("%s: Load gave %v", m.name, err)
		}
	}
	golden(t, "testdata/mistakes.golden", []byte(got.String()))
}

func TestLint_wantsEveryFileAndNoHugeOne(t *testing.T) {
	for _, name := range []string{recipeFile, composeFile, readmeFile, iconFile} {
		fsys := good(t, "wordpress")
		delete(fsys, name)
		if found, err := Lint(fsys); err != nil || len(found) != 1 || found[0].Code != "file-missing" || found[0].File != name {
			t.Errorf("without %s: %v, %v", name, found, err)
		}
		fsys[name] = &fstest.MapFile{Data: make([]byte, maxFileBytes+1)}
		if found, err := Lint(fsys); err != nil || len(found) != 1 || found[0].Code != "file-too-large" {
			t.Errorf("with a huge %s: %v, %v", name, found, err)
		}
	}
}

func TestLint_takesAnImageWithoutDigestOnlyFromDebian(t *testing.T) {
	fsys := good(t, "wordpress")
	digest := "@sha256:b2d7e3153c8a96f90305a3102fb6439335237fb1a9655b617d15c5168ce2f7a3"
	fsys[composeFile].Data = []byte(strings.Replace(string(fsys[composeFile].Data), digest, "", 1))
	if found, err := Lint(fsys); err != nil || len(found) > 0 {
		t.Fatalf("built from Debian: %v, %v", found, err)
	}
	fsys[recipeFile].Data = []byte(strings.Replace(string(fsys[recipeFile].Data), "  app:\n    debian: app\n", "", 1))
	if found, err := Lint(fsys); err != nil || len(found) != 1 || found[0].Code != "image-digest" {
		t.Fatalf("from a registry: %v, %v", found, err)
	}
}

func TestParseYAML_refusesWhatIsNestedTooDeeply(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": strings.Repeat("[", 100_000),
		"dashes":   strings.Repeat("- ", 100_000) + "x",
		"keys":     strings.Repeat("? ", 100_000) + "x",
		"lines": func() string {
			var b strings.Builder
			for i := range 600 {
				b.WriteString(strings.Repeat(" ", i) + "a:\n")
			}
			return b.String()
		}(),
	} {
		if root, found := parseYAML("x.yaml", []byte(text)); len(found) == 0 {
			t.Errorf("%s: %v", name, root)
		}
	}
}
