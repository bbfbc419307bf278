// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"errors"
	"io"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
)

// Sites are the static sites on this box.
type Sites interface {
	List(ctx context.Context) ([]appliance.Site, error)
	// Receive unpacks a zip, tar or tar.gz as a draft of owner, in place of the one
	// that owner had; it reads the stream before it returns.
	Receive(ctx context.Context, owner string, archive io.Reader) (appliance.Draft, error)
	Draft(ctx context.Context, id string) (appliance.Draft, error)
	DropDraft(ctx context.Context, id string) error
	PlanPush(ctx context.Context, req appliance.PushSite) (appliance.Plan, error)
	// Push publishes a draft as the next version of the site.
	Push(ctx context.Context, req appliance.PushSite) (appliance.Job, error)
	Versions(ctx context.Context, host string) ([]appliance.Site, error)
	// Export writes the published version as a zip.
	Export(ctx context.Context, host string, w io.Writer) error
	Rollback(ctx context.Context, req appliance.RollbackSite) (appliance.Job, error)
	PlanRemove(ctx context.Context, req appliance.RemoveSite) (appliance.Plan, error)
	Remove(ctx context.Context, req appliance.RemoveSite) (appliance.Job, error)
}

var sitesArea = localrpc.Area[Agent, Sites]{Part: func(a Agent) Sites { return a.Sites }}

var (
	listSites      = localrpc.Get(&sitesArea, "/v1/sites", "The static sites.", localrpc.Bare(Sites.List))
	receiveSite    = localrpc.Upload(&sitesArea, "/v1/drafts/{owner}", "Receives a site without an address, which waits for half an hour; the one that this owner sent before goes. Body: a zip, tar or tar.gz.", Sites.Receive)
	draftOfSite    = localrpc.Get(&sitesArea, "/v1/drafts/{id}", "What was received.", Sites.Draft)
	dropDraft      = localrpc.Delete(&sitesArea, "/v1/drafts/{id}", "Forgets it.", localrpc.Silent(Sites.DropDraft))
	planPushSite   = localrpc.Post(&sitesArea, "/v1/plans/push-site", "What publishing a site would do.", Sites.PlanPush)
	pushSite       = localrpc.Post(&sitesArea, "/v1/sites/{host}", "Publishes a draft as the next version.", Sites.Push)
	versionsOfSite = localrpc.Get(&sitesArea, "/v1/sites/{host}/versions", "Its versions, newest first.", Sites.Versions)
	exportSite     = localrpc.Download(&sitesArea, "/v1/sites/{host}/export", "A copy of what is published, as a zip.", Sites.Export)
	rollbackSite   = localrpc.Post(&sitesArea, "/v1/sites/{host}/rollback", "Publishes an older version again; 0 is the one before.", Sites.Rollback)
	planRemoveSite = localrpc.Post(&sitesArea, "/v1/plans/remove-site", "What removing a site would do.", Sites.PlanRemove)
	removeSite     = localrpc.Delete(&sitesArea, "/v1/sites/{host}", "Removes a site and its versions.", Sites.Remove)
)

type sitesClient struct{ *localrpc.Client }

func (c sitesClient) List(ctx context.Context) ([]appliance.Site, error) {
	return listSites.Do(ctx, c.Client, localrpc.None{})
}

func (c sitesClient) PlanPush(ctx context.Context, req appliance.PushSite) (appliance.Plan, error) {
	return planPushSite.Do(ctx, c.Client, req)
}

func (c sitesClient) Receive(ctx context.Context, owner string, archive io.Reader) (appliance.Draft, error) {
	return receiveSite.Do(ctx, c.Client, owner, archive)
}

func (c sitesClient) Draft(ctx context.Context, id string) (appliance.Draft, error) {
	return draftOfSite.Do(ctx, c.Client, id)
}

func (c sitesClient) DropDraft(ctx context.Context, id string) error {
	_, err := dropDraft.Do(ctx, c.Client, id)
	return err
}

func (c sitesClient) Push(ctx context.Context, req appliance.PushSite) (appliance.Job, error) {
	return pushSite.Do(ctx, c.Client, req)
}

func (c sitesClient) Versions(ctx context.Context, host string) ([]appliance.Site, error) {
	return versionsOfSite.Do(ctx, c.Client, host)
}

func (c sitesClient) Export(ctx context.Context, host string, w io.Writer) error {
	return exportSite.Do(ctx, c.Client, host, w)
}

func (c sitesClient) Rollback(ctx context.Context, req appliance.RollbackSite) (appliance.Job, error) {
	return rollbackSite.Do(ctx, c.Client, req)
}

func (c sitesClient) PlanRemove(ctx context.Context, req appliance.RemoveSite) (appliance.Plan, error) {
	return planRemoveSite.Do(ctx, c.Client, req)
}

func (c sitesClient) Remove(ctx context.Context, req appliance.RemoveSite) (appliance.Job, error) {
	return removeSite.Do(ctx, c.Client, req)
}

// Send has sites receive, as a draft of owner, what write writes. An error of
// write is the error, whatever came of it at the far side.
func Send(ctx context.Context, sites Sites, owner string, write func(io.Writer) error) (appliance.Draft, error) {
	r, w := io.Pipe()
	wrote := make(chan error, 1)
	go func() {
		err := write(w)
		_ = w.CloseWithError(err) // it never fails
		wrote <- err
	}()
	d, err := sites.Receive(ctx, owner, r)
	_ = r.Close() // it never fails; the writer ends if it has not yet
	if werr := <-wrote; err != nil && werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
		return d, werr // it is the cause
	}
	return d, err
}
