#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# Drives "make demo": starts an appliance and a support desk in the background, adds WordPress and a static site as a
# person would, with bin/coopkit, and looks at them from outside, over DNS and HTTPS only.
#
#   demo.sh up       bring the demo to where it should be, whether nothing is there, half of it, or all
#   demo.sh down     remove every container, network, volume, process and file of it, and nothing else
#   demo.sh clean    the same, and the images that were built here, unless another box uses the engine
#
# DEMO_HTTPS, DEMO_HTTP, DEMO_DNS, DEMO_CONSOLE and DEMO_DESK are ports of 127.0.0.1, DEMO_BEGAN is when make began (Unix
# time). For the tests: DEMO_FOLDER, DEMO_PROGRAM, DEMO_SITE, and DEMO_APP, what the app is called.
# shellcheck disable=SC1111 # the quotes are for people
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=installer/script.sh
. "$here/installer/script.sh"

zone=demo.coop host=www.demo.coop title='Demo Co-op'
technician=jonas coop=demo-coop
dir=${DEMO_FOLDER:-$here/.demo} # all that is left on disk, but the engine's data
program=${DEMO_PROGRAM:-$here/bin/coopkit}
site=${DEMO_SITE:-$here/installer/demo-site}
app=${DEMO_APP:-wordpress}
began=${DEMO_BEGAN:-$(date +%s)}
seconds=''

# port NAME USUAL: the address with the port that the variable says.
port() {
	local port=${!1:-$2}
	[[ $port =~ ^[1-9][0-9]{0,4}$ && $port -lt 65536 ]] ||
		fail "$1 is not a port" "a port is a number from 1 to 65535; it is “$port”" "make demo $1=$2"
	echo "127.0.0.1:$port"
}
https=$(port DEMO_HTTPS 8443) http=$(port DEMO_HTTP 8080) dns=$(port DEMO_DNS 5453)
console=$(port DEMO_CONSOLE 8420) desk=$(port DEMO_DESK 8430)
desk_ca=$dir/desk/ca/root.crt

# url HOST: its address at the demo's HTTPS port.
url() { [ "${https#*:}" = 443 ] && echo "https://$1/" || echo "https://$1:${https#*:}/"; }

note() { say "  $*"; }

# since MICROSECONDS: the seconds since then, to a tenth.
now() { echo "${EPOCHREALTIME/[.,]/}"; }
since() {
	local tenths=$((($(now) - $1 + 50000) / 100000))
	echo "$((tenths / 10)).$((tenths % 10))"
}

# step NAME TEXT COMMAND…: runs one step and keeps for the summary how long it took.
step() {
	local start name=$1
	start=$(now)
	say "• $2"
	"${@:3}"
	seconds+="    \"$name\": $(since "$start"),"$'\n'
	note "done in $(since "$start") s"
}

# What coopkit is told and asked.

coopkit() { "$program" --socket "$dir/coopkit.sock" "$@"; }

# quoted WORD…: a command line that can be pasted into a shell.
quoted() {
	local word line=''
	for word in "$@"; do
		[[ $word = *[\ \'\"\$\&\;\(\)]* ]] && word="'${word//\'/\'\\\'\'}'"
		line+=" $word"
	done
	echo "${line# }"
}

# failed WHY WORD…: says that a command did not do what it should.
failed() {
	fail "this command of the demo failed: coopkit $(quoted "${@:2}")" "$1" \
		"put right what it says, then run make demo again: it goes on where it was" "read $dir/agent.log"
}

# tell WORD…: runs a command that changes something. On a terminal it draws there itself, with progress.
tell() {
	note "\$ coopkit $(quoted "$@")"
	if [ -t 1 ]; then
		coopkit "$@" || failed "what it said is above" "$@"
	else
		coopkit "$@" 2>&1 | sed -u 's/^/  | /' || failed "what it said is above" "$@"
	fi
}

# ask WORD…: the answer to a question, a value to a line: .state=running, .0.name=wordpress.
ask() {
	local answer
	answer=$(coopkit "$@" --json 2>&1) || failed "$answer" "$@"
	awk '
		{ sub(/^ +/, ""); sub(/,$/, "") }
		/^[]}]/ { depth--; next }
		{
			path = base[depth]
			if (match($0, /^"[^"]*": /)) { path = path "." substr($0, 2, RLENGTH - 4); $0 = substr($0, RLENGTH + 1) }
			else if (depth) path = path "." count[depth]++
		}
		/^[[{]$/ { base[++depth] = path; count[depth] = 0; next }
		{ gsub(/^"|"$/, ""); print path "=" $0 }' <<<"$answer"
}

# value NAME: that of an answer.
value() { sed -n "s/^\.$1=//p"; }

# of KEY VALUE WANTED: from a list, WANTED of each whose KEY has this VALUE.
of() {
	awk -v key="$1" -v value="$2" -v wanted="$3" '
		{ split($0, path, /[.=]/); i = path[2]; text = substr($0, index($0, "=") + 1) }
		path[3] == key && text == value { hit[i] }
		path[3] == wanted { found[i] = found[i] sep[i] text; sep[i] = " " }
		END { for (i in hit) if (i in found) print found[i] }'
}

# The two processes: agent and desk. They outlive this script.

state_of() { [ "$1" = agent ] && echo "$dir/state" || echo "$dir/desk"; }

# pid PART: its process, or nothing. A number that another program has by now is not ours.
pid() {
	local n
	n=$(cat "$dir/$1.pid" 2>/dev/null) || return 0
	[[ $n =~ ^[0-9]+$ ]] || return 0
	if { grep -zxF -A 1 -e --state "/proc/$n/cmdline" | grep -zxF -e "$(state_of "$1")" >/dev/null; } 2>/dev/null; then echo "$n"; fi
}

runs() { [ "$(pid "$1")" ]; }
gone() { ! runs "$1"; }

# silent PART WHY: says that it does not run, with the end of its log.
silent() {
	fail "the $1 of the demo does not run" "$2; the end of its log:"$'\n'"$(tail -n 8 "$dir/$1.log" 2>/dev/null)" "read $dir/$1.log" \
		"if a port is taken: make demo DEMO_HTTPS=9443 DEMO_HTTP=9080 DEMO_DNS=6453 DEMO_CONSOLE=9420 DEMO_DESK=9430" \
		"make demo-down && make demo"
}

# start PART ANSWERS WORD…: makes sure that it answers, which the command ANSWERS finds out, and that it is as built now.
start() {
	local part=$1 answers=$2 n
	shift 2
	n=$(pid "$part")
	if [ "$n" ]; then
		# The content is compared: a build writes the file again although nothing has changed.
		if cmp -s "$program" "/proc/$n/exe" && wait_for 10 "$answers"; then
			note "it runs already (process $n)"
			return
		fi
		note "stopping the one that runs: it is of another build or does not answer"
		stop "$part"
	fi
	[ -d "$dir" ] || mkdir -m 700 "$dir"
	(
		umask 077
		setsid "$program" "$@" --state "$(state_of "$part")" >>"$dir/$part.log" 2>&1 </dev/null &
		echo $! >"$dir/$part.pid"
	)
	wait_for 2 runs "$part" || true # until then it is setsid
	wait_for 60 ready "$answers" "$part" || silent "$part" "it did not answer within a minute"
	"$answers" || silent "$part" "it ended again at once"
}

# ready ANSWERS PART: it answers, or never will.
ready() { "$1" || gone "$2"; }

# stop PART: ends it and waits until it is gone, first politely, after half a minute for good.
stop() {
	local signal
	for signal in TERM KILL; do
		runs "$1" || break
		kill -"$signal" "$(pid "$1")" 2>/dev/null || true
		wait_for 30 gone "$1" || true
	done
	rm -f "$dir/$1.pid"
}

agent_answers() { coopkit status >/dev/null 2>&1; }

start_agent() {
	local said name
	if runs agent && said=$(coopkit status --json 2>/dev/null); then
		for name in https http dns console; do
			[[ $said = *"\"$name\": \"${!name}\""* ]] || { note "stopping the one that runs: it has other ports" && stop agent && break; }
		done
	fi
	start agent agent_answers agent run --socket "$dir/coopkit.sock" --https "$https" --http "$http" --dns "$dns" \
		--console "$console" --public-address 127.0.0.1 --issuer local
	local status
	status=$(ask status)
	ca=$(value ca <<<"$status") runs_on=$(value engine <<<"$status")
}

desk_answers() { [ -f "$desk_ca" ] && (ca=$desk_ca && see "https://$desk/signin" Coopkit) 2>/dev/null; }

start_desk() {
	start desk desk_answers desk serve --listen "$desk" --url "https://$desk" --name 'Demo desk'
}

# What a steward does.

add_name() {
	local names
	names=$(ask name list)
	[ -z "$(of zone "$zone" zone <<<"$names")" ] || { note "it has it already" && return; }
	tell name add "$zone" --yes
}

# settle waits until the app is in a state that it stays in: no change of it is under way, and it does not start.
settle() {
	local deadline=$((SECONDS + 360)) changes apps
	while :; do
		changes=$(ask job list)
		apps=$(ask app list)
		state=$(of name "$app" state <<<"$apps")
		[ "$state" = starting ] || of subject "app:$app" state <<<"$changes" | grep -x running >/dev/null || return 0
		[ "$SECONDS" -lt "$deadline" ] || return 0 # the state says what it hangs on
		sleep 0.2
	done
}

# add_app adds WordPress, or waits for an add that a run before us began.
add_app() {
	local state named=()
	[ "$app" = wordpress ] || named=(--name "$app")
	settle
	case $state in
	'') tell app add wordpress "${named[@]}" --address "$host" --set "title=$title" --set "email=steward@$zone" --yes ;;
	stopped) tell app start "$app" ;;
	*) note "it is there already" ;;
	esac
	settle
	[ "$state" = running ] || fail "WordPress was added but does not run" "its state is “$state”" \
		"bin/coopkit --socket $dir/coopkit.sock app logs $app" "make demo-down && make demo"
}

# push_site publishes the demo's site unless the box serves the same already.
push_site() {
	local ours sites
	ours=$(find "$site" -type f -printf '%s\n' | awk '{ bytes += $1 } END { print NR, bytes }')
	sites=$(ask site list)
	[ "$ours" != "$(of host "$zone" files <<<"$sites") $(of host "$zone" bytes <<<"$sites")" ] || { note "it is published already" && return; }
	tell site push "$site" "$zone" --yes
}

first_account() {
	local account
	account=$(ask app signin "$app")
	user=$(value user <<<"$account") password=$(value password <<<"$account") signin=$(value url <<<"$account")
}

# open_console asks for a token as the steward does at the terminal, and looks whether the console opens.
open_console() {
	local door
	door=$(ask console token)
	token=$(value token <<<"$door") console_url=$(value url <<<"$door")
	see "$console_url" Coopkit
	note "$console_url opens, its certificate is good"
}

# What two people do on the telephone: one makes an invitation, the other joins with it; both read the same four words.

enrol() {
	local link invitation words
	people
	link=$(ask support status)
	if [[ $(value state <<<"$link") = @(none|ended) ]]; then
		invitation=$(ask desk invite --coop "$coop" --state "$dir/desk")
		tell support join "$(value code <<<"$invitation")" --yes
		link=$(ask support status)
	else
		note "it has joined already"
	fi
	words=$(value 'words\.[0-9]*' <<<"$link" | xargs)
	note "both sides show the words: $words"
	confirm "$(value box <<<"$link")" "$words"
}

# people adds the co-op and the technician who are not there yet. Who reads of them at the desk sees that they are the demo's.
people() {
	local found
	[ -s "$dir/desk-password" ] || (umask 077 && od -An -N 10 -tx1 /dev/urandom | tr -d ' \n' >"$dir/desk-password")
	desk_password=$(cat "$dir/desk-password")
	found=$(ask desk coop list --state "$dir/desk")
	[ "$(value 0.id <<<"$found")" ] || tell desk coop add "$coop" "$title (demo data)" --state "$dir/desk"
	found=$(ask desk user list --state "$dir/desk")
	[ "$(value 0.name <<<"$found")" ] || tell desk user add "$technician" --display "${technician^} (demo data)" --coop "$coop" \
		--role coordinator --password-stdin --state "$dir/desk" <<<"$desk_password"
}

# confirm BOX WORDS: confirms the box at the desk if that is still to do, and waits for its report.
confirm() {
	local boxes state deadline=$((SECONDS + 120))
	while :; do
		boxes=$(ask desk box list --state "$dir/desk")
		state=$(of id "$1" state <<<"$boxes")
		[ "$state" ] || unseen "the desk does not know the box" "its list does not have $1"
		if [ "$state" = pending ]; then
			[ "$(of id "$1" words <<<"$boxes")" = "$2" ] ||
				unseen "the desk shows other words than the box" "$(of id "$1" words <<<"$boxes") instead of $2"
			tell desk box confirm "$1" --state "$dir/desk"
		fi
		[[ $state != up || $(of id "$1" seen <<<"$boxes") = 0001-* ]] || break # the year 1: never
		[ "$SECONDS" -lt "$deadline" ] || unseen "the box does not report to the desk" "after two minutes its state there is “$state”"
		sleep 0.2
	done
	note "the desk has the report of the box $(of id "$1" name <<<"$boxes")"
	look_at_desk "$1" "$(of id "$1" name <<<"$boxes")"
}

# look_at_desk BOX NAME: signs in as the technician, and reads the page of the box.
look_at_desk() {
	local ca=$desk_ca jar=$dir/desk-cookies text
	printf %s "$desk_password" | see "https://$desk/signin" '' -L -c "$jar" -b "$jar" -d "name=$technician" --data-urlencode password@-
	for text in "$2" "$host" "$zone"; do
		see "https://$desk/boxes/$1" "$text" -b "$jar"
	done
	rm "$jar"
	note "$technician signs in at the desk and sees the box with its app and its site"
}

# The visitor: somebody outside, who knows the demo's DNS server and its authority, and nothing else of this machine.

# unseen WHAT WHY: says what a look from outside did not see.
unseen() {
	fail "seen from outside, $1" "$2" "bin/coopkit --socket $dir/coopkit.sock doctor" "read $dir/agent.log" "make demo, to try again"
}

# lookup HOST +udp|+tcp: its address, as the DNS server says.
lookup() {
	local answer
	answer=$(dig "@${dns%:*}" -p "${dns#*:}" +norecurse +time=5 +tries=1 "$1" "${2/udp/notcp}" A) ||
		unseen "the DNS server does not answer for $*" "$answer"
	[[ $answer = *"status: NOERROR"* && $answer =~ flags:[a-z\ ]*\ aa ]] ||
		unseen "the DNS server has no answer of its own for $*" "$(grep -o 'status: [A-Z]*' <<<"$answer")"
	awk '!/^;/ && $4 == "A" { print $5; found = 1; exit } END { exit !found }' <<<"$answer" ||
		unseen "the DNS server has no address for $*" "$answer"
}

# fetch URL OPTION…: runs curl, trusting the authority $ca only.
fetch() {
	local at=${1#*://} address
	at=${at%%/*}
	[[ $at = *:* ]] || at+=:443
	address=${at%:*}
	[[ $address =~ ^[0-9.]+$ ]] || address=$(lookup "$address" +udp) || return
	curl -q -sS --noproxy '*' --max-time 60 --cacert "$ca" --capath /dev/null --resolve "$at:$address" "$@"
}

# page URL OPTION…: what comes back; its status and address are the last line.
page() {
	local got
	got=$(fetch "$@" -w '\n%{http_code} %{url_effective}' 2>&1) || unseen "$1 cannot be opened" "${got%$'\n'*}"
	printf %s "$got"
}

# see URL TEXT OPTION…: a page that must be there and have the text in it.
see() {
	local got
	got=$(page "$1" "${@:3}")
	[[ ${got##*$'\n'} = 200\ * && $got = *"$2"* ]] || unseen "$1 does not show “$2”" "$(excerpt <<<"$got")"
}

# excerpt: what a page answered, and how it begins, on one line.
excerpt() {
	local got
	got=$(cat)
	echo "it answered ${got##*$'\n'}: $(tr -s '[:space:]' ' ' <<<"${got:0:300}")"
}

# look goes round.
look() {
	local name network address
	for name in "$zone" "$host"; do
		for network in udp tcp; do
			address=$(lookup "$name" "+$network")
			note "DNS over $network: $name is at $address"
		done
	done
	see "$(url "$zone")" Coopkit
	note "$(url "$zone") opens, its certificate is good"
	redirects
	see "$(url "$host")" "$title"
	note "$(url "$host") opens, its certificate is good"
	publish
}

# redirects checks that plain HTTP leads to HTTPS.
redirects() {
	local to
	to=$(fetch "http://$zone:${http#*:}/" -o /dev/null -w '%{redirect_url}' 2>&1) || unseen "plain HTTP is not answered" "$to"
	[ "$to" = "$(url "$zone")" ] || unseen "plain HTTP does not lead to HTTPS" "it leads to “$to”"
	note "http://$zone leads to https://"
}

# publish signs in as WordPress's owner by its form, as a browser does, publishes a post and reads it as somebody else.
# The post has a name of its own, so that the next run changes it instead of adding another one.
publish() {
	local base jar=$dir/cookies got nonce text link
	base=$(url "$host")
	see "${base}wp-login.php" user_login -c "$jar" # the form sets a cookie that it looks for afterwards
	got=$(printf %s "$password" | page "${base}wp-login.php" -L -c "$jar" -b "$jar" -d testcookie=1 --data-urlencode "log=$user" \
		--data-urlencode pwd@- --data-urlencode "redirect_to=${base}wp-admin/")
	[[ ${got##*$'\n'} = 200\ */wp-admin/* ]] || unseen "WordPress does not let its owner in" "$(excerpt <<<"$got")"
	note "signed in to WordPress as $user"

	got=$(page "${base}wp-admin/admin-ajax.php?action=rest-nonce" -b "$jar")
	[[ $got =~ ^([0-9a-f]+)$'\n'200\  ]] || unseen "WordPress gives its owner no key for its API" "$(excerpt <<<"$got")"
	nonce=${BASH_REMATCH[1]}
	# A route in the query works whatever shape of permalinks the site has.
	api() { page "${base}index.php?rest_route=/wp/v2/posts$1" -b "$jar" -H "X-WP-Nonce: $nonce" "${@:2}"; }
	text="Published by make demo on $(LC_ALL=C date '+%-d %B %Y at %H:%M:%S.%6N')."
	got=$(api "&slug=hello-from-coopkit&_fields=id")
	[[ $got =~ \"id\":([0-9]+) ]] && link=/${BASH_REMATCH[1]} || link=
	got=$(api "$link&_fields=link" -d slug=hello-from-coopkit -d status=publish --data-urlencode 'title=Hello from Coopkit' \
		--data-urlencode "content=$text")
	[[ $got =~ \"link\":\"([^\"]+)\" ]] || unseen "WordPress refuses what its owner may do" "$(excerpt <<<"$got")"
	link=${BASH_REMATCH[1]//\\/}
	note "published a post"
	rm "$jar"
	see "$link" "$text"
	note "a visitor reads it at $link"
}

# report writes .demo/summary.json, for its owner alone because it holds passwords, and says the same to people.
report() {
	local total
	total=$(since "${began}000000")
	(umask 077 && cat >"$dir/summary.json.new") <<-EOF
		{
		  "dns": "$dns",
		  "https": "$https",
		  "ca": "$ca",
		  "apps": [{"name": "$app", "url": "$(url "$host")", "admin": {"user": "$user", "password": "$password"}}],
		  "sites": [{"url": "$(url "$zone")"}],
		  "console": {"url": "https://$console", "token": "$token", "ca": "$ca"},
		  "desk": {"url": "https://$desk", "user": "$technician", "password": "$desk_password", "ca": "$desk_ca"},
		  "seconds": {
		$seconds    "total": $total
		  }
		}
	EOF
	mv "$dir/summary.json.new" "$dir/summary.json"
	cat <<-EOF

		All of it runs, after ${total%.*} seconds, on $runs_on.

		  WordPress   $(url "$host")
		  sign in at  $signin
		  as          $user
		  password    $password
		  the site    $(url "$zone")

		  the console $console_url
		  token       $token

		  the desk    https://$desk
		  sign in as  $technician
		  password    $desk_password

		Try:
		  dig @127.0.0.1 -p ${dns#*:} $host
		  curl --cacert $ca --resolve $host:${https#*:}:127.0.0.1 $(url "$host")
		  curl --cacert $ca --resolve $zone:${https#*:}:127.0.0.1 $(url "$zone")
		  export COOPKIT_SOCKET=$dir/coopkit.sock
		  bin/coopkit app list
		  bin/coopkit doctor
		  bin/coopkit app add dokuwiki --address wiki.$zone

		In a browser on this machine: add "127.0.0.1 $zone $host" to /etc/hosts and let it trust the CA above.
		The same is in $dir/summary.json. Remove all of it: make demo-down
	EOF
}

up() {
	step start "Start the appliance" start_agent
	step name "Give it the name $zone" add_name
	step app "Add WordPress at $host" add_app
	step site "Publish a static site at $zone" push_site
	step signin "Ask for WordPress's first account" first_account
	step desk "Start a support desk" start_desk
	step enrol "Let the box join the desk, and wait for its report" enrol
	step console "Open the console" open_console
	step outside "Look at it from outside: DNS, HTTPS, sign in, publish a post, read it" look
	report
}

# The end of it.

# The label that the appliance puts on what it makes in the engine says whose it is.
mark=coop.coopkit.box

# engine WORD…: runs Docker's own command, so that a demo can be removed although the appliance does not work.
engine() {
	local said
	said=$(docker "$@" 2>&1) || fail "this did not work: docker $*" "$said" "run it by hand to see more, then make demo-down again"
	printf %s "$said"
}
engine_answers() { docker version >/dev/null 2>&1; }

# down first asks the appliance, which is started for that if it does not run. Then, whatever that did, it takes away what
# the engine still has of this demo's box, and of no other.
down() {
	local name names
	[ -d "$dir" ] || { note "there is no demo here" && return; }
	note "asking the appliance what it has"
	if (start_agent) && names=$(ask app list | value '[0-9]*\.name'); then
		for name in $names; do
			(tell app remove "$name" --no-export --yes) || note "the appliance could not remove it; it is taken away below"
		done
	else
		note "it does not say; what it made is taken away below"
	fi
	stop agent
	stop desk
	! engine_answers || sweep
	# What the machine's script keeps of an engine that it started stays: with that it stops the engine afterwards.
	find "$dir" -mindepth 1 -maxdepth 1 ! -name 'engine.*' -exec rm -rf {} +
	rmdir --ignore-fail-on-non-empty "$dir"
	note "the demo is gone; the images stay as a cache (make demo-clean removes them too)"
}

# sweep removes what the engine has of the demo's box, by the identity that the agent wrote down at its first start.
sweep() {
	local box kind id ids list remove
	box=$(cat "$dir/state/box" 2>/dev/null) || true
	if [ -z "$box" ]; then
		[ -e "$dir/state/coopkit.db" ] || return 0 # it never had one
		fail "nothing was removed from the container engine, because it is not known what of it is the demo's" \
			"the file $dir/state/box is missing or empty; other boxes may have apps of the same names" \
			"start the demo once more, which writes it: make demo, then make demo-down" "docker volume ls --filter label=$mark"
	fi
	for kind in container network volume; do
		list=(ls --quiet) remove=(rm)
		[ $kind != container ] || list+=(--all) remove+=(--force)
		ids=$(engine $kind "${list[@]}" --filter "label=$mark=$box")
		for id in $ids; do
			engine $kind "${remove[@]}" "$id" >/dev/null
			note "removed $kind $id"
		done
	done
}

# clean removes also the images that were built here, those first that need others; another box uses them as a cache too.
clean() {
	local boxes label images image removed=0
	down
	engine_answers || { note "no Docker Engine answers, so its images are as they were" && return; }
	boxes=$(for kind in 'container ls --all' 'volume ls'; do
		# shellcheck disable=SC2086 # words
		engine $kind --filter "label=$mark" --format "{{.Label \"$mark\"}}"
		echo
	done | sort -u | xargs)
	[ -z "$boxes" ] || { note "the images stay: another box uses this engine ($boxes)" && return; }
	for label in coop.coopkit.image coop.coopkit.build coop.coopkit.base; do
		images=$(engine image ls --filter "label=$label" --format '{{if eq .Tag "<none>"}}{{.ID}}{{else}}{{.Repository}}:{{.Tag}}{{end}}')
		for image in $images; do
			if docker image rm "$image" >/dev/null 2>&1; then removed=$((removed + 1)); else note "image $image stays: something uses it"; fi
		done
	done
	note "removed $removed images that were built here"
}

[ "${BASH_SOURCE[0]}" = "$0" ] || return 0 # a test reads it
interrupted() {
	(fail "the demo was interrupted" "what the appliance had begun goes on in the background" \
		"make demo, to go on" "make demo-down, to remove everything") || exit 130
}
trap interrupted INT TERM
case "$*" in
up | down | clean) "$1" ;;
*) fail "the demo knows the words up, down and clean" "it got: $*" "make demo" "make demo-down" ;;
esac
