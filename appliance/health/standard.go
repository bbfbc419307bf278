// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// Facts is where the standard checks learn what they judge. A nil function
// means that this box has no such part, and its check finds nothing.
type Facts struct {
	StateDir     string                                         // its disk is watched; small histories live in health/ below it
	Now          func() time.Time                               // nil: time.Now
	Engine       func(ctx context.Context) (engine.Info, error) // engine.Engine's Info
	Apps         func(ctx context.Context) ([]App, error)       // every install
	Certificates func(ctx context.Context) ([]appliance.Certificate, error)
	Names        func(ctx context.Context) ([]appliance.NameCheck, error)
	// LocalOnly returns the addresses to which the zones of this box lead although
	// only the local network can use them; nil when all can, or there is no zone.
	LocalOnly   func(ctx context.Context) ([]string, error)
	Listeners   func() []string                                                         // TCP addresses of the front door
	LastBackup  func(ctx context.Context, app appliance.InstallName) (time.Time, error) // zero time: none yet
	Integrity   func(ctx context.Context) error                                         // of the store; an error says that it is damaged
	Messages    func(ctx context.Context) (Messages, error)                             // how this box reaches its people
	Desk        func() Desk                                                             // the support desk that this box has joined
	Troubles    func() []appliance.Trouble                                              // what the parts of the box report as unusable
	OutOfMemory func() []OutOfMemory                                                    // programs of apps of this box that the system ended lately
	host        host                                                                    // where the system's files are; zero: the real ones
}

// App is an install as the checks see it.
type App struct {
	Install    appliance.Install
	Title      string // for people
	Busy       bool   // a job is changing it: nothing is judged
	Services   []AppService
	Containers []engine.Container
	Contract   func(ctx context.Context) error // asks the recipe's health contract over HTTP; nil: none
}

// OutOfMemory is a program of an app that was ended for want of memory.
type OutOfMemory struct {
	App string // for people
	At  time.Time
}

// AppService is a service that an install should have.
type AppService struct {
	Name    string
	OneShot bool // it ends by itself
}

// Desk is the link to the support desk as the checks see it. The zero Desk
// means that the box has joined none.
type Desk struct {
	Host    string
	Heard   time.Time // its last answer
	Trouble string    // why the last try did not reach it; empty: it did
	Refused string    // why it takes no reports; empty: it does
}

// Standard returns the checks of an appliance.
func Standard(f Facts) []Check {
	if f.Now == nil {
		f.Now = time.Now
	}
	f.host = f.host.withDefaults()
	return []Check{
		diskCheck(f), memoryCheck(f), clockCheck(f), engineCheck(f), appsCheck(f), doorCheck(f),
		certificatesCheck(f), namesCheck(f), backupsCheck(f), storeCheck(f), rebootCheck(f),
		deskCheck(f), messagesCheck(f), partsCheck(f),
	}
}
