// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import "strings"

// Verb is what a line of a plan does.
type Verb string

// The verbs. What is deleted is gone; what is removed can be made again.
const (
	VerbCreate Verb = "create"
	VerbChange Verb = "change"
	VerbKeep   Verb = "keep"
	VerbRemove Verb = "remove"
	VerbDelete Verb = "delete"
	VerbFetch  Verb = "fetch"
	VerbBuild  Verb = "build"
	VerbStart  Verb = "start"
	VerbStop   Verb = "stop"
	VerbWait   Verb = "wait"
	VerbOpen   Verb = "open"
	VerbClose  Verb = "close"
	VerbExport Verb = "export"
	VerbSend   Verb = "send"
	VerbTell   Verb = "tell"
	VerbTrust  Verb = "trust"
)

// Kind is the kind of thing that a line of a plan is about. Its name is that
// by which people know it: of a container its service, of a network its app.
type Kind string

// The kinds of things, with what the name is where it is not plain.
const (
	KindImage        Kind = "image"     // the service
	KindNetwork      Kind = "network"   // the app
	KindVolume       Kind = "volume"    // as the recipe calls it
	KindContainer    Kind = "container" // the service
	KindTask         Kind = "task"      // a service that runs to its end
	KindAccount      Kind = "account"
	KindData         Kind = "data"
	KindAddress      Kind = "address" // its URL
	KindZone         Kind = "zone"
	KindRecord       Kind = "record" // the host
	KindNameServer   Kind = "nameserver"
	KindSite         Kind = "site"    // the host
	KindVersion      Kind = "version" // its number
	KindLink         Kind = "link"    // the desk's URL
	KindKey          Kind = "key"     // its fingerprint
	KindCertificate  Kind = "certificate"
	KindAuthority    Kind = "authority"
	KindEntries      Kind = "entries" // how many
	KindDesk         Kind = "desk"    // its URL
	KindNames        Kind = "names"
	KindSystem       Kind = "system"
	KindApps         Kind = "apps"
	KindSites        Kind = "sites"
	KindCertificates Kind = "certificates"
	KindFindings     Kind = "findings"
)

// Deeds are all that lines of plans do: by verb, to which kinds of things.
// Package say has the words for each.
var Deeds = map[Verb][]Kind{
	VerbFetch: {KindImage}, VerbBuild: {KindImage}, VerbExport: {KindData}, VerbTell: {KindDesk},
	VerbCreate: {
		KindNetwork, KindVolume, KindContainer, KindAccount, KindRecord, KindZone, KindNameServer, KindSite, KindLink, KindKey,
	},
	VerbChange: {KindRecord, KindSite}, VerbKeep: {KindRecord},
	VerbRemove: {KindNetwork, KindContainer, KindRecord, KindZone, KindVersion},
	VerbDelete: {KindVolume, KindVersion, KindKey, KindEntries},
	VerbStart:  {KindContainer}, VerbStop: {KindContainer}, VerbWait: {KindContainer, KindTask},
	VerbOpen: {KindAddress}, VerbClose: {KindAddress}, VerbTrust: {KindKey, KindCertificate, KindAuthority},
	VerbSend: {KindNames, KindSystem, KindApps, KindSites, KindCertificates, KindFindings},
}

// NoteCode says what a note is about. Package say has the words for it, with
// the args of the note in them.
type NoteCode string

// What notes say, with their args; those that begin with back are ways back.
const (
	NoteMemoryShort      NoteCode = "memory-short" // need_bytes, free_bytes
	NoteBuildFallback    NoteCode = "build-fallback"
	NoteSetRecords       NoteCode = "set-records" // name; the records follow
	NoteRecord           NoteCode = "record"      // record, as in a zone file
	NoteGlueRecord       NoteCode = "glue-record" // record
	NoteCheckName        NoteCode = "check-name"  // name
	NoteSameTitle        NoteCode = "same-title"  // title
	NoteDelegate         NoteCode = "delegate"    // name; the records follow
	NoteInside           NoteCode = "inside"      // name, which ends in .internal
	NoteSingleServer     NoteCode = "single-server"
	NoteBeforeDelegating NoteCode = "before-delegating"
	NoteLeaveElsewhere   NoteCode = "leave-elsewhere"
	NoteStillDelegated   NoteCode = "still-delegated" // name
	NoteNotSent          NoteCode = "not-sent"
	NoteDeskListens      NoteCode = "desk-listens"
	NoteSeeSent          NoteCode = "see-sent"
	NoteNoMoreReports    NoteCode = "no-more-reports"
	NoteDeskKeeps        NoteCode = "desk-keeps"
	NoteClosedMeanwhile  NoteCode = "closed-meanwhile"
	NoteCopyHasSecrets   NoteCode = "copy-has-secrets"
	NoteCopyStays        NoteCode = "copy-stays" // days_count

	// Of a step that is done.
	NoteNameUnchecked  NoteCode = "name-unchecked"  // name
	NoteNameUnreadable NoteCode = "name-unreadable" // name

	BackRemoveApp    NoteCode = "back-remove-app"
	BackExport       NoteCode = "back-export"
	BackNone         NoteCode = "back-none"
	BackNothing      NoteCode = "back-nothing"
	BackRemoveSite   NoteCode = "back-remove-site"
	BackRollbackSite NoteCode = "back-rollback-site"
	BackPublish      NoteCode = "back-publish"
	BackRemoveName   NoteCode = "back-remove-name"
	BackZoneFile     NoteCode = "back-zone-file" // folder
	BackLeave        NoteCode = "back-leave"
	BackInvitation   NoteCode = "back-invitation"
)

// What done steps say of what they did, with their args.
const (
	FactRecorded    NoteCode = "fact-recorded" // passwords_count
	FactImages      NoteCode = "fact-images"   // programs_count, all_bytes
	FactPlace       NoteCode = "fact-place"    // volumes
	FactRuns        NoteCode = "fact-runs"     // image
	FactStarted     NoteCode = "fact-started"  // programs_count
	FactStopped     NoteCode = "fact-stopped"
	FactAnswered    NoteCode = "fact-answered" // path, status, took
	FactAccount     NoteCode = "fact-account"  // user
	FactNoAccounts  NoteCode = "fact-no-accounts"
	FactRecord      NoteCode = "fact-record"    // host, record
	FactElsewhere   NoteCode = "fact-elsewhere" // host
	FactRelease     NoteCode = "fact-release"   // number
	FactOpen        NoteCode = "fact-open"      // url
	FactClosed      NoteCode = "fact-closed"
	FactCertificate NoteCode = "fact-certificate"    // host, issuer, ends_at
	FactNoCert      NoteCode = "fact-no-certificate" // host
	FactExport      NoteCode = "fact-export"         // folder, all_bytes
	FactReceived    NoteCode = "fact-received"       // files_count, all_bytes
	FactZone        NoteCode = "fact-zone"           // serial
	FactVerified    NoteCode = "fact-verified"       // records_count
	FactSaved       NoteCode = "fact-saved"          // file
	FactGone        NoteCode = "fact-gone"           // parts_count
)

// IsFact reports whether a note says what a step did, and is nothing to act on.
func (c NoteCode) IsFact() bool { return strings.HasPrefix(string(c), "fact-") }

// NoteCodes are all of them.
var NoteCodes = []NoteCode{
	NoteMemoryShort, NoteBuildFallback, NoteSetRecords, NoteRecord, NoteGlueRecord, NoteCheckName, NoteSameTitle, NoteDelegate, NoteInside, NoteSingleServer,
	NoteBeforeDelegating, NoteLeaveElsewhere, NoteStillDelegated, NoteNotSent, NoteDeskListens, NoteSeeSent,
	NoteNoMoreReports, NoteDeskKeeps, NoteClosedMeanwhile, NoteCopyHasSecrets, NoteCopyStays, NoteNameUnchecked, NoteNameUnreadable,
	BackRemoveApp, BackExport, BackNone, BackNothing, BackRemoveSite, BackRollbackSite, BackPublish, BackRemoveName, BackZoneFile, BackLeave, BackInvitation,
	FactRecorded, FactImages, FactPlace, FactRuns, FactStarted, FactStopped, FactAnswered, FactAccount, FactNoAccounts, FactRecord, FactElsewhere, FactRelease, FactOpen,
	FactClosed, FactCertificate, FactNoCert, FactExport, FactReceived, FactZone, FactVerified, FactSaved, FactGone,
}
