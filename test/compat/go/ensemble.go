package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/go-zookeeper/zk"
)

var ensembleChecks = []check{
	{"what is written on one server is read on each other server after sync", readElsewhere},
	{"a client goes on when its server, each in turn and the leader too, dies by kill -9 and returns", killEach},
	{"clients of the servers that survive notice nothing when the leader dies by kill -9 with many writes of each under way", survivorsNoticeNothing},
}

func readElsewhere() error {
	var conns []*zk.Conn
	for _, host := range servers {
		conn, _, err := connect([]string{host}, 10*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	if _, err := conns[0].Create(root, nil, 0, open); err != nil {
		return err
	}
	for round := 0; round < 30; round++ {
		path := fmt.Sprintf("%s/round-%d", root, round)
		writer := conns[round%len(conns)]
		if _, err := writer.Sync(root); err != nil {
			return err
		}
		if _, err := writer.Create(path, []byte(path), 0, open); err != nil {
			return err
		}
		for _, reader := range conns {
			_, syncErr := reader.Sync(path)
			data, _, err := reader.Get(path)
			if err := firstError(syncErr, err, equal("data", string(data), path)); err != nil {
				return err
			}
		}
	}
	return nil
}

func killEach() error {
	if _, err := control("wait"); err != nil {
		return err
	}
	conn, _, err := connect(servers, 15*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	session := conn.SessionID()
	if _, err := conn.Create(root+"/keeper", nil, zk.FlagEphemeral, open); err != nil {
		return err
	}
	leader, err := leaderID()
	if err != nil {
		return err
	}
	for _, victim := range []int{leader, leader%3 + 1, (leader+1)%3 + 1} {
		if _, err := control(fmt.Sprintf("kill/%d", victim)); err != nil {
			return err
		}
		path := fmt.Sprintf("%s/killed-%d", root, victim)
		if err := eventually("a write goes through", func() bool {
			_, err := conn.Create(path, []byte("v"), 0, open)
			return err == nil || errors.Is(err, zk.ErrNodeExists) // an earlier attempt took effect
		}); err != nil {
			return err
		}
		if _, err := control(fmt.Sprintf("start/%d", victim)); err != nil {
			return err
		}
		returned, _, err := connect([]string{servers[victim-1]}, 10*time.Second)
		if err != nil {
			return err
		}
		_, syncErr := returned.Sync(path)
		data, _, getErr := returned.Get(path)
		returned.Close()
		if err := firstError(syncErr, getErr, equal("data", string(data), "v")); err != nil {
			return err
		}
	}
	_, stat, err := conn.Get(root + "/keeper")
	if err != nil {
		return err
	}
	return firstError(equal("session", conn.SessionID(), session), equal("owner", stat.EphemeralOwner, session))
}

// leaderID is the number of the server that leads.
func leaderID() (int, error) {
	answer, err := control("leader")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(answer)
}

func survivorsNoticeNothing() error {
	if os.Getenv("ZK_TARGET") == "zookeeper" {
		return nil // it closes the connections of all clients
	}
	if _, err := control("wait"); err != nil {
		return err
	}
	for round := 0; round < 5; round++ {
		leader, err := leaderID()
		if err != nil {
			return err
		}
		var survivors []*survivor
		for _, each := range []int{leader%3 + 1, (leader+1)%3 + 1} {
			one, err := newSurvivor(servers[each-1], fmt.Sprintf("%s/survivor-%d-%d", root, round, each))
			if err != nil {
				return err
			}
			survivors = append(survivors, one)
		}
		for _, one := range survivors {
			one.begin()
		}
		_, err = control(fmt.Sprintf("kill/%d", leader))
		for _, one := range survivors {
			err = firstError(err, one.finish())
		}
		_, startErr := control(fmt.Sprintf("start/%d", leader))
		_, waitErr := control("wait")
		if err := firstError(err, startErr, waitErr); err != nil {
			return err
		}
	}
	return nil
}

const (
	writerCount = 50
	writesEach  = 40 // so many that most are under way when the leader is dead
)

// survivor is a client of one server, with an ephemeral, a watch, and many writes under way.
type survivor struct {
	conn    *zk.Conn
	session <-chan zk.Event
	path    string
	watch   <-chan zk.Event
	results chan error
}

func newSurvivor(host, path string) (*survivor, error) {
	conn, session, err := connect([]string{host}, 10*time.Second)
	if err != nil {
		return nil, err
	}
	one := &survivor{conn: conn, session: session, path: path, results: make(chan error, writerCount)}
	_, err = conn.Create(path, nil, 0, open)
	_, heldErr := conn.Create(path+"/held", nil, zk.FlagEphemeral, open)
	_, watchedErr := conn.Create(path+"/watched", nil, 0, open)
	if err := firstError(err, heldErr, watchedErr); err != nil {
		return nil, err
	}
	for writer := 0; writer < writerCount; writer++ {
		if _, err := conn.Create(one.written(writer), nil, 0, open); err != nil {
			return nil, err
		}
	}
	_, _, one.watch, err = conn.GetW(path + "/watched")
	for len(session) > 0 {
		<-session // those of the beginning
	}
	return one, err
}

func (one *survivor) written(writer int) string {
	return fmt.Sprintf("%s/%d", one.path, writer)
}

func (one *survivor) begin() {
	for writer := 0; writer < writerCount; writer++ {
		go func(path string) {
			for version := int32(0); version < writesEach; version++ {
				stat, err := one.conn.Set(path, nil, version)
				if err == nil {
					err = equal("version", stat.Version, version+1)
				}
				if err != nil {
					one.results <- fmt.Errorf("write %d of %s: %w", version+1, path, err)
					return
				}
			}
			one.results <- nil
		}(one.written(writer))
	}
}

func (one *survivor) finish() error {
	defer one.conn.Close()
	for writer := 0; writer < writerCount; writer++ {
		if err := <-one.results; err != nil {
			return err
		}
	}
	if err := equal("events before the change", len(one.watch), 0); err != nil {
		return err
	}
	_, err := one.conn.Set(one.path+"/watched", nil, 0)
	if err := firstError(err, next("watch", one.watch, zk.EventNodeDataChanged, one.path+"/watched")); err != nil {
		return err
	}
	_, stat, err := one.conn.Get(one.path + "/held")
	if err != nil {
		return err
	}
	return firstError(
		equal("owner", stat.EphemeralOwner, one.conn.SessionID()),
		equal("events of the connection", sessionEvents(one.session), []zk.State(nil)),
	)
}

// sessionEvents takes the states that have arrived; events of watches come on the same channel.
func sessionEvents(events <-chan zk.Event) []zk.State {
	var states []zk.State
	for len(events) > 0 {
		if event := <-events; event.Type == zk.EventSession {
			states = append(states, event.State)
		}
	}
	return states
}
