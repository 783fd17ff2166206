// The Go client against one server (`single`, `extended`) or three (`ensemble`); `holder`: see holder.go.
package main

import "os"

func main() {
	switch os.Args[1] {
	case "single":
		os.Exit(runChecks(singleChecks))
	case "extended":
		os.Exit(runChecks(extendedChecks))
	case "holder":
		runHolder()
	default:
		os.Exit(runChecks(ensembleChecks))
	}
}
