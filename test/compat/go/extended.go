package main

import (
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

// Checks that need a server with TTL znodes, and of the features of the Go client besides operations.
var extendedChecks = []check{
	{"containers and TTL znodes are created, and deleted when they are empty or expired", transientZnodes},
	{"the lock recipe has one holder at a time among three sessions", contendedLock},
	{"credentials are sent again after a lost connection", credentialsReturn},
	{"multi takes creates of all kinds and changes nothing when one part fails", mixedMulti},
	{"hundreds of watches are set again after a lost connection", manyWatchesReturn},
	{"reconfig is refused while it is not enabled", reconfigRefused},
	{"FLWRuok, FLWSrvr and FLWCons understand the four-letter words", fourLetterWords},
	{"requests of many goroutines over one connection are all answered", manyGoroutines},
}

func withConns(count int, hosts []string, run func(conns []*zk.Conn) error) error {
	var conns []*zk.Conn
	for len(conns) < count {
		conn, _, err := connect(hosts, 10*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	if _, err := conns[0].Create(root, nil, 0, open); err != nil && err != zk.ErrNodeExists {
		return err
	}
	return run(conns)
}

func transientZnodes() error {
	return withConns(1, servers, func(conns []*zk.Conn) error {
		conn, parent := conns[0], root+"/transient"
		_, err1 := conn.Create(parent, nil, 0, open)
		_, err2 := conn.CreateContainer(parent+"/container", nil, zk.FlagContainer, open)
		_, err3 := conn.Create(parent+"/container/child", nil, 0, open)
		_, err4 := conn.CreateTTL(parent+"/ttl", nil, zk.FlagTTL, open, 500*time.Millisecond)
		name, err5 := conn.CreateTTL(parent+"/ttl-", nil, zk.FlagPersistentSequentialWithTTL, open, time.Hour)
		err6 := conn.Delete(parent+"/container/child", -1)
		if err := firstError(err1, err2, err3, err4, err5, err6, equal("name", name, parent+"/ttl-0000000002")); err != nil {
			return err
		}
		return eventually("two of three go", func() bool {
			left, _, err := conn.Children(parent)
			return err == nil && len(left) == 1 && left[0] == "ttl-0000000002"
		})
	})
}

func contendedLock() error {
	return withConns(3, servers, func(conns []*zk.Conn) error {
		var guard, all sync.Mutex
		var wait sync.WaitGroup
		var failures []error
		inside, most, entered := 0, 0, 0
		change := func(by int) {
			guard.Lock()
			inside += by
			if by > 0 {
				entered++
			}
			if inside > most {
				most = inside
			}
			guard.Unlock()
		}
		for _, conn := range conns {
			wait.Add(1)
			go func(conn *zk.Conn) {
				defer wait.Done()
				for round := 0; round < 10; round++ {
					lock := zk.NewLock(conn, root+"/contended", open)
					err := lock.Lock()
					if err == nil {
						change(1)
						change(-1)
						err = lock.Unlock()
					}
					if err != nil {
						all.Lock()
						failures = append(failures, err)
						all.Unlock()
						return
					}
				}
			}(conn)
		}
		wait.Wait()
		return firstError(firstError(failures...), equal("entered, at most at once", []int{entered, most}, []int{30, 1}))
	})
}

func credentialsReturn() error {
	return withConns(1, servers, func(others []*zk.Conn) error {
		return withConns(1, proxy, func(conns []*zk.Conn) error {
			conn := conns[0]
			authErr := conn.AddAuth("digest", []byte("mia:pw"))
			_, createErr := conn.Create(root+"/secret", nil, 0, zk.AuthACL(zk.PermAll))
			_, _, otherErr := others[0].Get(root + "/secret")
			if err := firstError(authErr, createErr, fails("read by another client", otherErr, zk.ErrNoAuth)); err != nil {
				return err
			}
			if _, err := control("cut"); err != nil {
				return err
			}
			return eventually("read after the return", func() bool {
				_, _, err := conn.Get(root + "/secret")
				return err == nil
			})
		})
	})
}

func mixedMulti() error {
	return withConns(1, servers, func(conns []*zk.Conn) error {
		conn, parent := conns[0], root+"/mixed"
		good, err := conn.Multi(
			&zk.CreateRequest{Path: parent, Acl: open},
			&zk.CreateRequest{Path: parent + "/e", Acl: open, Flags: zk.FlagEphemeral},
			&zk.CreateRequest{Path: parent + "/s-", Acl: open, Flags: zk.FlagEphemeralSequential},
			&zk.CreateRequest{Path: parent + "/s-", Acl: open, Flags: zk.FlagSequence},
		)
		if err != nil {
			return err
		}
		_, stat, statErr := conn.Get(parent + "/e")
		bad, badErr := conn.Multi(
			&zk.DeleteRequest{Path: parent + "/e", Version: -1},
			&zk.SetDataRequest{Path: parent + "/no", Version: -1},
			&zk.DeleteRequest{Path: parent, Version: -1},
		)
		children, _, childrenErr := conn.Children(parent)
		sort.Strings(children)
		return firstError(statErr, childrenErr,
			equal("names", []string{good[2].String, good[3].String}, []string{parent + "/s-0000000001", parent + "/s-0000000002"}),
			equal("owner", stat.EphemeralOwner, conn.SessionID()),
			fails("failed multi", badErr, zk.ErrNoNode),
			equal("results", len(bad), 3),
			equal("children", children, []string{"e", "s-0000000001", "s-0000000002"}),
		)
	})
}

func manyWatchesReturn() error {
	return withConns(1, servers, func(others []*zk.Conn) error {
		return withConns(1, proxy, func(conns []*zk.Conn) error {
			parent := root + "/hundreds"
			if _, err := others[0].Create(parent, nil, 0, open); err != nil {
				return err
			}
			var events []<-chan zk.Event
			name := func(index int) string { return fmt.Sprintf("%s/%s%d", parent, strings.Repeat("p", 300), index) }
			for index := 0; index < 500; index++ {
				_, _, created, err := conns[0].ExistsW(name(index))
				if err != nil {
					return err
				}
				events = append(events, created)
			}
			if _, err := control("cut"); err != nil {
				return err
			}
			if err := eventually("connected again", func() bool {
				_, _, err := conns[0].Exists(parent)
				return err == nil
			}); err != nil {
				return err
			}
			for index := 0; index < 500; index += 50 {
				if _, err := others[0].Create(name(index), nil, 0, open); err != nil {
					return err
				}
				if err := next("created", events[index], zk.EventNodeCreated, name(index)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func reconfigRefused() error {
	return withConns(1, servers, func(conns []*zk.Conn) error {
		_, err := conns[0].IncrementalReconfig([]string{"server.9=127.0.0.1:1:2;3"}, nil, -1)
		_, allErr := conns[0].Reconfig([]string{"server.9=127.0.0.1:1:2;3"}, -1)
		_, _, aliveErr := conns[0].Get("/zookeeper/config")
		return firstError(aliveErr, fails("incremental", err, zk.ErrReconfigDisabled), fails("of all members", allErr, zk.ErrReconfigDisabled))
	})
}

func fourLetterWords() error {
	return withConns(1, servers, func(conns []*zk.Conn) error {
		// This client cannot parse the date that ZooKeeper 3.9 writes into srvr, nor the line of a connection without a session, such
		// as its own while it sends cons. So srvr must give any answer, and cons the lines of connections with a session.
		stats, _ := zk.FLWSrvr(servers, 5*time.Second)
		clients, _ := zk.FLWCons(servers, 5*time.Second)
		mine := 0
		for _, each := range clients[0].Clients {
			if each.SessionID == conns[0].SessionID() {
				mine++
			}
		}
		return firstError(
			equal("ruok", zk.FLWRuok(servers, 5*time.Second), []bool{true}),
			equal("servers", len(stats), 1),
			equal("connections of this session", mine, 1),
		)
	})
}

func manyGoroutines() error {
	return withConns(1, servers, func(conns []*zk.Conn) error {
		conn, parent := conns[0], root+"/goroutines"
		if _, err := conn.Create(parent, nil, 0, open); err != nil {
			return err
		}
		results := make(chan error, 200)
		for index := 0; index < 200; index++ {
			go func(index int) {
				path := fmt.Sprintf("%s/%d", parent, index)
				_, createErr := conn.Create(path, []byte(path), 0, open)
				data, _, getErr := conn.Get(path)
				results <- firstError(createErr, getErr, equal("data", string(data), path))
			}(index)
		}
		for index := 0; index < 200; index++ {
			if err := <-results; err != nil {
				return err
			}
		}
		_, stat, err := conn.Get(parent)
		return firstError(err, equal("children", stat.NumChildren, int32(200)))
	})
}
