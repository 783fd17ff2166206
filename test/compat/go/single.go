package main

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/go-zookeeper/zk"
)

var singleChecks = []check{
	{"every operation on a znode gives the results and errors of ZooKeeper", operations},
	{"create makes znodes in all four modes", createModes},
	{"ACLs with digest protect a znode", acls},
	{"multi with check commits as a whole or not at all", multi},
	{"watches report all four changes", watches},
	{"watches and ephemerals survive a lost connection", reconnect},
	{"a session cut off for longer than its timeout is expired", expiry},
	{"the lock recipe excludes a second holder until it is left", lock},
}

var open = zk.WorldACL(zk.PermAll)

func operations() error {
	conn, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	made, createErr := conn.Create(root, []byte("four"), 0, open)
	data, stat, getErr := conn.Get(root)
	written, setErr := conn.Set(root, []byte("longer"), 0)
	_, badSetErr := conn.Set(root, nil, 0)
	_, existsErr := conn.Create(root, nil, 0, open)
	_, noParentErr := conn.Create(root+"/a/b", nil, 0, open)
	_, childErr := conn.Create(root+"/a", nil, 0, open)
	children, after, childrenErr := conn.Children(root)
	synced, syncErr := conn.Sync(root)
	if err := firstError(createErr, getErr, setErr, childErr, childrenErr, syncErr); err != nil {
		return err
	}
	exists, _, _ := conn.Exists(root + "/missing")
	return firstError(
		equal("path", made, root),
		equal("data", string(data), "four"),
		equal("new Stat", []interface{}{stat.Version, stat.Cversion, stat.Aversion, stat.DataLength, stat.NumChildren, stat.Mzxid, stat.Pzxid},
			[]interface{}{int32(0), int32(0), int32(0), int32(4), int32(0), stat.Czxid, stat.Czxid}),
		equal("Stat of set", []interface{}{written.Version, written.DataLength, written.Czxid}, []interface{}{int32(1), int32(6), stat.Czxid}),
		equal("children", children, []string{"a"}),
		equal("Stat of children", []int32{after.NumChildren, after.Cversion}, []int32{1, 1}),
		equal("synced", synced, root),
		equal("exists", exists, false),
		fails("create again", existsErr, zk.ErrNodeExists),
		fails("create without parent", noParentErr, zk.ErrNoNode),
		fails("set of a wrong version", badSetErr, zk.ErrBadVersion),
		fails("delete of a parent", conn.Delete(root, -1), zk.ErrNotEmpty),
		fails("delete of a wrong version", conn.Delete(root+"/a", 7), zk.ErrBadVersion),
		fails("delete of nothing", conn.Delete(root+"/missing", -1), zk.ErrNoNode),
		conn.Delete(root+"/a", 0),
	)
}

func createModes() error {
	conn, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	parent := root + "/modes"
	var names []string
	for _, flags := range []int32{0, 0, zk.FlagEphemeral, zk.FlagSequence, zk.FlagEphemeral | zk.FlagSequence} {
		path := parent
		if len(names) > 0 {
			path = fmt.Sprintf("%s/n%d-", parent, flags)
		}
		name, err := conn.Create(path, nil, flags, open)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	_, stat, err := conn.Get(names[4])
	if err != nil {
		return err
	}
	_, protectedErr := conn.CreateProtectedEphemeralSequential(parent+"/p-", nil, open)
	_, childErr := conn.Create(names[2]+"/child", nil, 0, open)
	children, _, childrenErr := conn.Children(parent)
	sort.Strings(children)
	return firstError(protectedErr, childrenErr,
		equal("names", names[1:], []string{parent + "/n0-", parent + "/n1-", parent + "/n2-0000000002", parent + "/n3-0000000003"}),
		equal("owner", stat.EphemeralOwner, conn.SessionID()),
		equal("children", len(children), 5),
		fails("child of an ephemeral", childErr, zk.ErrNoChildrenForEphemerals),
	)
}

func acls() error {
	owner, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer owner.Close()
	another, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer another.Close()
	if err := owner.AddAuth("digest", []byte("dave:pw")); err != nil {
		return err
	}
	path := root + "/acl"
	if _, err := owner.Create(path, nil, 0, zk.AuthACL(zk.PermAll)); err != nil {
		return err
	}
	acl, _, err := owner.GetACL(path)
	_, _, readErr := another.Get(path)
	_, orphanErr := another.Create(root+"/orphan", nil, 0, zk.AuthACL(zk.PermAll))
	stat, setErr := owner.SetACL(path, append(acl, zk.WorldACL(zk.PermRead)...), 0)
	_, staleErr := owner.SetACL(path, open, 0)
	_, _, laterErr := another.Get(path)
	return firstError(err, setErr, laterErr,
		equal("ACL", acl, zk.DigestACL(zk.PermAll, "dave", "pw")),
		equal("aversion", stat.Aversion, int32(1)),
		fails("read by another client", readErr, zk.ErrNoAuth),
		fails("auth ACL without authentication", orphanErr, zk.ErrInvalidACL),
		fails("setACL of a wrong version", staleErr, zk.ErrBadVersion),
		fails("unknown scheme", another.AddAuth("nothing", nil), zk.ErrAuthFailed),
	)
}

func multi() error {
	conn, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	path := root + "/multi"
	good, err := conn.Multi(
		&zk.CreateRequest{Path: path, Acl: open},
		&zk.CheckVersionRequest{Path: path, Version: 0},
		&zk.SetDataRequest{Path: path, Data: []byte("x"), Version: 0},
		&zk.CreateRequest{Path: path + "/a", Acl: open},
		&zk.DeleteRequest{Path: path + "/a", Version: -1},
	)
	if err != nil {
		return err
	}
	bad, badErr := conn.Multi(
		&zk.CreateRequest{Path: path + "/b", Acl: open},
		&zk.CheckVersionRequest{Path: path, Version: 9},
		&zk.DeleteRequest{Path: path, Version: -1},
	)
	var codes []error
	for _, each := range bad {
		codes = append(codes, each.Error)
	}
	exists, _, existsErr := conn.Exists(path + "/b")
	return firstError(existsErr,
		equal("created", good[0].String, path),
		equal("version", good[2].Stat.Version, int32(1)),
		fails("failed multi", badErr, zk.ErrBadVersion),
		equal("first code", codes[0], error(nil)),
		fails("second code", codes[1], zk.ErrBadVersion),
		equal("codes", len(codes), 3),
		equal("b exists", exists, false),
	)
}

func watches() error {
	conn, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	path := root + "/watched"
	_, _, created, err := conn.ExistsW(path)
	if err != nil {
		return err
	}
	if _, err := conn.Create(path, nil, 0, open); err != nil {
		return err
	}
	_, _, changed, getErr := conn.GetW(path)
	_, _, children, childrenErr := conn.ChildrenW(path)
	_, setErr := conn.Set(path, nil, -1)
	_, childErr := conn.Create(path+"/child", nil, 0, open)
	deleteErr := conn.Delete(path+"/child", -1)
	_, _, deleted, existsErr := conn.ExistsW(path)
	return firstError(getErr, childrenErr, setErr, childErr, deleteErr, existsErr, conn.Delete(path, -1),
		next("create", created, zk.EventNodeCreated, path),
		next("set", changed, zk.EventNodeDataChanged, path),
		next("create of a child", children, zk.EventNodeChildrenChanged, path),
		next("delete", deleted, zk.EventNodeDeleted, path),
	)
}

func reconnect() error {
	conn, _, err := connect(proxy, 10*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	other, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer other.Close()
	changed, kept, made := root+"/changed", root+"/kept", root+"/made"
	_, err1 := conn.Create(changed, nil, zk.FlagEphemeral, open)
	_, err2 := conn.Create(kept, nil, zk.FlagEphemeral, open)
	_, _, changedEvents, err3 := conn.GetW(changed)
	_, _, keptEvents, err4 := conn.GetW(kept)
	_, _, madeEvents, err5 := conn.ExistsW(made)
	session := conn.SessionID()
	_, err6 := control("block")
	err7 := eventually("disconnected", func() bool { return conn.State() != zk.StateHasSession })
	_, err8 := other.Set(changed, []byte("meanwhile"), -1)
	_, err9 := other.Create(made, nil, 0, open)
	if err := firstError(err1, err2, err3, err4, err5, err6, err7, err8, err9); err != nil {
		return err
	}
	if _, err := control("unblock"); err != nil {
		return err
	}
	if err := firstError(
		next("changed meanwhile", changedEvents, zk.EventNodeDataChanged, changed),
		next("created meanwhile", madeEvents, zk.EventNodeCreated, made),
	); err != nil {
		return err
	}
	_, setErr := other.Set(kept, nil, -1)
	return firstError(setErr, equal("session", conn.SessionID(), session), next("later change", keptEvents, zk.EventNodeDataChanged, kept))
}

func expiry() error {
	conn, events, err := connect(proxy, 2*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	other, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer other.Close()
	path := root + "/expiring"
	if _, err := conn.Create(path, nil, zk.FlagEphemeral, open); err != nil {
		return err
	}
	if _, err := control("block"); err != nil {
		return err
	}
	goneErr := eventually("ephemeral gone", func() bool { exists, _, err := other.Exists(path); return err == nil && !exists })
	if _, err := control("unblock"); err != nil {
		return err
	}
	return firstError(goneErr, eventually("expired", func() bool {
		select {
		case event := <-events:
			return event.State == zk.StateExpired
		default:
			return false
		}
	}))
}

func lock() error {
	first, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer first.Close()
	second, _, err := connect(servers, 10*time.Second)
	if err != nil {
		return err
	}
	defer second.Close()
	one, two := zk.NewLock(first, root+"/lock", open), zk.NewLock(second, root+"/lock", open)
	if err := one.Lock(); err != nil {
		return err
	}
	entered := make(chan error, 1)
	go func() { entered <- two.Lock() }()
	select {
	case <-entered:
		return errors.New("two hold the lock")
	case <-time.After(300 * time.Millisecond):
	}
	if err := one.Unlock(); err != nil {
		return err
	}
	return firstError(<-entered, two.Unlock())
}
