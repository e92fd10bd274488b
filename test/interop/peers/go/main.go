// The interop peers on the Go SDK: `peer server ERA stdio | http PORT | sse PORT` and
// `peer client ERA URL | ERA -- COMMAND ARGS…`, where ERA is 2025 or 2026. See matrix.ts.
package main

import (
	"fmt"
	"os"
)

const note = "note://pinned"

func main() {
	args := os.Args[1:]
	if len(args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: peer server|client 2025|2026 WHERE…")
		os.Exit(2)
	}
	var err error
	if args[0] == "server" {
		err = serve(args[1] == "2026", args[2:])
	} else {
		err = drive(args[1] == "2026", args[2:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
