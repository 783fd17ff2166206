package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-zookeeper/zk"
)

var ensembleChecks = []check{
	{"what is written on one server is read on each other server after sync", readElsewhere},
	{"a client goes on when its server, each in turn and the leader too, dies by kill -9 and returns", killEach},
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
	answer, err := control("leader")
	if err != nil {
		return err
	}
	leader, err := strconv.Atoi(answer)
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
