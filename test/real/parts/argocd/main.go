// Argo CD's controller and repository server in one program, as upstream's own main would start them. Upstream's pulls
// in modules that this needs none of. One thing is added: where REGROW_GIT_MIRROR names an address, repositories at
// git@github.com are listed there over smart HTTP, the deploy key told by its fingerprint.
package main

import (
	"fmt"
	"net/url"
	"os"

	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/argoproj/argo-cd/v3/util/git"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"
)

func main() {
	if mirror := os.Getenv("REGROW_GIT_MIRROR"); mirror != "" {
		client.InstallProtocol("ssh", mirrored{mirror})
	}
	commands := map[string]func() *cobra.Command{
		"application-controller": controller.NewCommand,
		"repo-server":            reposerver.NewCommand,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: argocd application-controller|repo-server [flag...]")
		os.Exit(2)
	}
	command := commands[os.Args[1]]()
	command.SetArgs(os.Args[2:])
	if err := command.Execute(); err != nil {
		os.Exit(1)
	}
}

type mirrored struct{ address string }

func (m mirrored) NewUploadPackSession(place *transport.Endpoint, auth transport.AuthMethod) (transport.UploadPackSession, error) {
	there, login, err := m.at(place, auth)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.NewUploadPackSession(there, login)
}

func (m mirrored) NewReceivePackSession(*transport.Endpoint, transport.AuthMethod) (transport.ReceivePackSession, error) {
	return nil, fmt.Errorf("the mirror is read-only")
}

func (m mirrored) at(place *transport.Endpoint, auth transport.AuthMethod) (*transport.Endpoint, *http.BasicAuth, error) {
	keys, ok := auth.(*git.PublicKeysWithOptions)
	if !ok || place.Host != "github.com" || place.User != "git" {
		return nil, nil, fmt.Errorf("ssh: %s@%s with %T has no mirror", place.User, place.Host, auth)
	}
	address, err := url.JoinPath(m.address, place.Path)
	if err != nil {
		return nil, nil, err
	}
	there, err := transport.NewEndpoint(address)
	return there, &http.BasicAuth{Username: "deploy-key", Password: ssh.FingerprintSHA256(keys.Signer.PublicKey())}, err
}
