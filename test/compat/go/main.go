// The Go client against one server (`single`) or three (`ensemble`).
package main

import "os"

func main() {
	if os.Args[1] == "single" {
		os.Exit(runChecks(singleChecks))
	}
	os.Exit(runChecks(ensembleChecks))
}
