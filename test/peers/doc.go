// Command peers holds two other readers of go test streams, gotestsum's testjson and go-junit-report, against the corpus and prints how
// they do beside ours:
//
//	go run -C test/peers .                     print the table
//	go run -C test/peers . -write ../README.md write it there
//	go run -C test/peers . -v                  also say which stream went wrong, and how
//	go run -C test/peers . -memory 10          stream so many GB through our reader and print the peak of its memory
//	go test -C test/peers -bench .             speed, all in one process
//
// It is a module of its own, so that the product depends on none of them.
package main
