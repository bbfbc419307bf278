// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

// Change is a kind of change to the box: of a plan, and of the job that
// carries it out. Package say has the words for it.
type Change string

// The kinds of change. The last two are no jobs: they are done when the call
// returns.
const (
	ChangeAdd            Change = "add"
	ChangeRemove         Change = "remove"
	ChangeExport         Change = "export"
	ChangeStart          Change = "start"
	ChangeStop           Change = "stop"
	ChangeRestart        Change = "restart"
	ChangeRetitle        Change = "retitle"
	ChangeShowSignin     Change = "show-signin"
	ChangeRecipeTest     Change = "recipe-test"
	ChangeRefreshImages  Change = "refresh-images"
	ChangePublish        Change = "publish"
	ChangeRollbackSite   Change = "rollback-site"
	ChangeRemoveSite     Change = "remove-site"
	ChangeAddName        Change = "add-name"
	ChangeRemoveName     Change = "remove-name"
	ChangeAddRedirect    Change = "add-redirect"
	ChangeRemoveRedirect Change = "remove-redirect"
	ChangeJoin           Change = "join"
	ChangeLeave          Change = "leave"
)

// JobChanges are the kinds that jobs have.
var JobChanges = []Change{
	ChangeAdd, ChangeRemove, ChangeExport, ChangeStart, ChangeStop, ChangeRestart, ChangeRetitle, ChangeShowSignin, ChangeRecipeTest, ChangeRefreshImages,
	ChangePublish, ChangeRollbackSite, ChangeRemoveSite, ChangeAddName, ChangeRemoveName, ChangeAddRedirect, ChangeRemoveRedirect,
}

// PlanChanges are the kinds that plans have; the others need no consent.
var PlanChanges = []Change{
	ChangeAdd, ChangeRemove, ChangeExport, ChangePublish, ChangeRemoveSite, ChangeAddName, ChangeRemoveName, ChangeJoin, ChangeLeave,
}

// StepCode says what a step of a job does. Package say has the words for it,
// with the args of the step in them.
type StepCode string

// What steps do, with their args.
const (
	StepRecord       StepCode = "record"
	StepImages       StepCode = "images"
	StepPlace        StepCode = "place"
	StepStartService StepCode = "start-service" // service
	StepReady        StepCode = "ready"
	StepOwner        StepCode = "owner"
	StepTry          StepCode = "try"
	StepActivate     StepCode = "activate"
	StepStart        StepCode = "start"
	StepStop         StepCode = "stop"
	StepRetitle      StepCode = "retitle" // title
	StepShowSignin   StepCode = "show-signin"
	StepExport       StepCode = "export"
	StepCopy         StepCode = "copy"
	StepDropCopies   StepCode = "drop-copies"
	StepClose        StepCode = "close"
	StepContainers   StepCode = "containers"
	StepForget       StepCode = "forget"
	StepClear        StepCode = "clear"
	StepRefresh      StepCode = "refresh"
	StepReceived     StepCode = "received"
	StepPublish      StepCode = "publish" // version
	StepPrune        StepCode = "prune"
	StepRemoveSite   StepCode = "remove-site"
	StepAddress      StepCode = "address"
	StepPointName    StepCode = "point-name"
	StepReleaseName  StepCode = "release-name"
	StepDoor         StepCode = "door"
	StepCertificates StepCode = "certificates"
	StepAddZone      StepCode = "add-zone"    // name
	StepVerifyZone   StepCode = "verify-zone" // name
	StepKeepZone     StepCode = "keep-zone"
	StepRemoveZone   StepCode = "remove-zone" // name
)

// StepCodes are all of them.
var StepCodes = []StepCode{
	StepRecord, StepImages, StepPlace, StepStartService, StepReady, StepOwner, StepTry, StepActivate, StepStart, StepStop, StepRetitle, StepShowSignin, StepExport,
	StepCopy, StepDropCopies, StepClose,
	StepContainers, StepForget, StepClear, StepRefresh, StepReceived, StepPublish, StepPrune, StepRemoveSite, StepAddress,
	StepPointName, StepReleaseName, StepDoor, StepCertificates, StepAddZone, StepVerifyZone, StepKeepZone, StepRemoveZone,
}
