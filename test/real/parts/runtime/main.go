// A container runtime that runs nothing: upstream's own fake, with which they test the kubelet's client. The real kubelet
// does not serve before a runtime answers it, and here no image can be pulled that a true one could run.
// Usage: fake-runtime unix:///PATH
package main

import (
	"fmt"
	"os"

	"k8s.io/cri-client/pkg/fake"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fake-runtime unix:///PATH")
		os.Exit(2)
	}
	if err := fake.NewFakeRemoteRuntime().Start(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	select {}
}
