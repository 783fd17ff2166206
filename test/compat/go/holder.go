package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
)

const pipelineLength = 100

// holder is the Go client of the suite `leader-changes`: one session with an ephemeral, a lock, a watch and pipelines of writes.
// A command on each line of the input, an answer on each line of the output (test/compat/leader-changes/suite.ts).
type holder struct {
	conn    *zk.Conn
	id      int64
	path    string
	lock    *zk.Lock
	watch   <-chan zk.Event
	losses  atomic.Int32 // how often the connection was lost
	version int
	last    string // the data of that version
}

func openHolder(hosts, path string) (*holder, error) {
	conn, events, err := connect(strings.Split(hosts, ","), 10*time.Second)
	if err != nil {
		return nil, err
	}
	one := &holder{conn: conn, id: conn.SessionID(), path: path, lock: zk.NewLock(conn, path+"/lock", open)}
	_, err = conn.Create(path, nil, 0, open)
	_, watchedErr := conn.Create(path+"/watched", nil, 0, open)
	_, heldErr := conn.Create(path+"/held", nil, zk.FlagEphemeral, open)
	if err := firstError(err, watchedErr, heldErr, one.lock.Lock()); err != nil {
		return nil, err
	}
	_, _, one.watch, err = conn.GetW(path + "/watched")
	for len(events) > 0 {
		<-events // those of the beginning
	}
	go func() {
		for event := range events {
			if event.Type == zk.EventSession && event.State == zk.StateDisconnected {
				one.losses.Add(1)
			}
		}
	}()
	return one, err
}

type outcome struct {
	data    string
	version int
	err     error
}

// pipeline writes: each write gives the znode a version of its own, so one that was lost or done twice shows in the versions.
func (one *holder) pipeline() (int, error) {
	var todo []string
	for i := 1; i <= pipelineLength; i++ {
		todo = append(todo, strconv.Itoa(one.version+i))
	}
	done := map[int]string{}
	lost := 0
	for len(todo) > 0 {
		if err := eventually("connected", func() bool { return one.conn.State() == zk.StateHasSession }); err != nil {
			return lost, err
		}
		outcomes := make(chan outcome, len(todo))
		for _, data := range todo {
			go func(data string) {
				stat, err := one.conn.Set(one.path, []byte(data), -1)
				if err != nil {
					outcomes <- outcome{data, 0, err}
					return
				}
				outcomes <- outcome{data, int(stat.Version), nil}
			}(data)
		}
		var again []string
		for range todo {
			each := <-outcomes
			if errors.Is(each.err, zk.ErrConnectionClosed) || errors.Is(each.err, zk.ErrNoServer) {
				again = append(again, each.data)
			} else if each.err != nil {
				return lost, each.err
			} else {
				done[each.version] = each.data
			}
		}
		lost += len(again)
		todo = again
	}
	var versions, wanted []int
	for version := range done {
		versions = append(versions, version)
	}
	sort.Ints(versions)
	for i := 1; i <= pipelineLength; i++ {
		wanted = append(wanted, one.version+i)
	}
	one.version += pipelineLength
	one.last = done[one.version]
	return lost, equal("versions of the writes", versions, wanted)
}

func (one *holder) inspect() (int, error) {
	if err := equal("events before the change", len(one.watch), 0); err != nil {
		return 0, err
	}
	_, err := one.conn.Set(one.path+"/watched", nil, -1)
	if err := firstError(err, next("watch", one.watch, zk.EventNodeDataChanged, one.path+"/watched")); err != nil {
		return 0, err
	}
	_, _, one.watch, err = one.conn.GetW(one.path + "/watched")
	_, held, heldErr := one.conn.Exists(one.path + "/held")
	contenders, _, lockErr := one.conn.Children(one.path + "/lock")
	data, written, getErr := one.conn.Get(one.path)
	if err := firstError(err, heldErr, lockErr, getErr); err != nil {
		return 0, err
	}
	return int(one.losses.Load()), firstError(
		equal("value", string(data), one.last),
		equal("version", int(written.Version), one.version),
		equal("owner of the ephemeral", held.EphemeralOwner, one.id),
		equal("contenders of the lock", len(contenders), 1),
		equal("session", one.conn.SessionID(), one.id),
	)
}

func (one *holder) close() error {
	err := one.lock.Unlock()
	one.conn.Close()
	return err
}

func runHolder() {
	var one *holder
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		words := strings.Fields(input.Text())
		answer := 0
		var err error
		switch words[0] {
		case "open":
			one, err = openHolder(words[1], words[2])
		case "pipeline":
			answer, err = one.pipeline()
		case "inspect":
			answer, err = one.inspect()
		default:
			err = one.close()
		}
		if err != nil {
			fmt.Printf("failed: %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Printf("ok %d\n", answer)
		}
	}
}
