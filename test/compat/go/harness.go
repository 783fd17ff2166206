package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

// Reports the checks of the Go suite, one line each, and reaches its servers; faults go through the control port.

type check struct {
	title string
	run   func() error
}

func runChecks(checks []check) int {
	failed := 0
	for _, each := range checks {
		if err := each.run(); err != nil {
			failed++
			fmt.Printf("not ok %s: %s\n", each.title, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Printf("ok %s\n", each.title)
		}
	}
	if failed > 0 {
		return 1
	}
	return 0
}

var (
	servers = strings.Split(os.Getenv("ZK_SERVERS"), ",")
	proxy   = []string{os.Getenv("ZK_PROXY")}
	root    = os.Getenv("ZK_ROOT")
)

func control(verb string) (string, error) {
	answer, err := http.Get("http://" + os.Getenv("ZK_CONTROL") + "/" + verb)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("control %s: %s", verb, text)
	}
	return strings.TrimSpace(string(text)), err
}

func connect(hosts []string, timeout time.Duration) (*zk.Conn, <-chan zk.Event, error) {
	conn, events, err := zk.Connect(hosts, timeout, zk.WithLogInfo(false), zk.WithLogger(silence{}))
	if err != nil {
		return nil, nil, err
	}
	return conn, events, eventually("connected", func() bool { return conn.State() == zk.StateHasSession })
}

type silence struct{}

func (silence) Printf(string, ...interface{}) {}

func eventually(what string, holds func() bool) error {
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not after 30 s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

func equal(what string, actual, wanted interface{}) error {
	if !reflect.DeepEqual(actual, wanted) {
		return fmt.Errorf("%s: got %v, wanted %v", what, actual, wanted)
	}
	return nil
}

func fails(what string, actual, wanted error) error {
	if !errors.Is(actual, wanted) {
		return fmt.Errorf("%s: got error %v, wanted %v", what, actual, wanted)
	}
	return nil
}

// next waits for one watch event.
func next(what string, events <-chan zk.Event, kind zk.EventType, path string) error {
	select {
	case event := <-events:
		return equal(what, []interface{}{event.Type, event.Path}, []interface{}{kind, path})
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%s: no event after 10 s", what)
	}
}

// firstError replaces errors.Join, which the Go of Debian bookworm does not have.
func firstError(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
