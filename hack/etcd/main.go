// Command etcd is the etcd server, for machines that can reach a Go module proxy but no download of prebuilt binaries.
//
// It is a module of its own because within the Kubernetes module it would raise the versions of shared dependencies, and with
// them most of Kubernetes would have to be compiled again.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
