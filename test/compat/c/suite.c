/*
 * The C client (multi-threaded library) against one server (`single`, `extended`) or three (`ensemble`).
 * Its synchronous calls return the server's codes unchanged, so codes are compared directly.
 */
#include "harness.h"

/* ---- one server ---- */

static void operations(void) {
    zhandle_t *zh = open_any();
    char made[MAX_PATH], data[64];
    int length = sizeof data;
    struct Stat stat, later;
    expect(make(zh, root, "four", 0, made), ZOK, "create");
    expect_text(made, root, "path");
    expect(zoo_get(zh, root, 0, data, &length, &stat), ZOK, "get");
    expect(length, 4, "length");
    expect(memcmp(data, "four", 4), 0, "data");
    expect(stat.mzxid == stat.czxid && stat.pzxid == stat.czxid && stat.ctime == stat.mtime, 1, "zxids and times of a new znode");
    expect(stat.version + stat.cversion + stat.aversion + stat.numChildren, 0, "versions and children");
    expect(zoo_set2(zh, root, "longer", 6, 0, &later), ZOK, "set");
    expect(later.version, 1, "version");
    expect(later.dataLength, 6, "data length");
    expect(later.czxid == stat.czxid && later.mzxid > stat.mzxid && later.pzxid == stat.pzxid, 1, "zxids after set");
    expect(make(zh, root, "x", 0, NULL), ZNODEEXISTS, "create again");
    expect(make(zh, path("/no/child"), "x", 0, NULL), ZNONODE, "create without a parent");
    expect(zoo_set(zh, root, "x", 1, 7), ZBADVERSION, "set of a wrong version");
    expect(zoo_exists(zh, path("/no"), 0, &stat), ZNONODE, "exists");
    expect(make(zh, path("/child"), NULL, 0, NULL), ZOK, "create with null data");
    length = sizeof data;
    expect(zoo_get(zh, path("/child"), 0, data, &length, NULL), ZOK, "get null data");
    expect(length, -1, "length of null data");
    expect(zoo_delete(zh, root, -1), ZNOTEMPTY, "delete of a parent");
    expect(zoo_delete(zh, path("/child"), 3), ZBADVERSION, "delete of a wrong version");
    expect(zoo_delete(zh, path("/child"), 0), ZOK, "delete");
    expect(zoo_delete(zh, path("/child"), 0), ZNONODE, "delete again");
    expect(zookeeper_close(zh), ZOK, "close");
}

static void create_modes(void) {
    zhandle_t *zh = open_any();
    char made[MAX_PATH];
    struct Stat stat;
    struct String_vector children;
    expect(make(zh, path("/modes"), "", 0, NULL), ZOK, "parent");
    expect(make(zh, path("/modes/p"), "", 0, NULL), ZOK, "persistent");
    expect(make(zh, path("/modes/e"), "", ZOO_EPHEMERAL, NULL), ZOK, "ephemeral");
    expect(make(zh, path("/modes/s-"), "", ZOO_SEQUENCE, made), ZOK, "sequential");
    expect_text(made, path("/modes/s-0000000002"), "sequential name");
    expect(zoo_create2(zh, path("/modes/b-"), "abc", 3, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE | ZOO_EPHEMERAL, made, sizeof made, &stat), ZOK, "create2");
    expect_text(made, path("/modes/b-0000000003"), "name of both");
    expect(stat.ephemeralOwner == zoo_client_id(zh)->client_id, 1, "owner");
    expect(stat.dataLength, 3, "data length");
    expect(make(zh, path("/modes/e/child"), "", 0, NULL), ZNOCHILDRENFOREPHEMERALS, "child of an ephemeral");
    expect(zoo_get_children2(zh, path("/modes"), 0, &children, &stat), ZOK, "children");
    expect(children.count, 4, "count of children");
    expect(stat.numChildren, 4, "numChildren");
    expect(stat.cversion, 4, "cversion");
    deallocate_String_vector(&children);
    zookeeper_close(zh);
}

static void acls(void) {
    zhandle_t *owner = open_any(), *another = open_any();
    struct ACL_vector acl;
    struct Stat stat;
    char data[8];
    int length = sizeof data;
    expect(zoo_create(owner, path("/acl"), "x", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZINVALIDACL, "creator ACL without authentication");
    expect(authenticate(owner, "frank:pw"), ZOK, "auth");
    expect(zoo_create(owner, path("/acl"), "x", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZOK, "create");
    expect(zoo_get_acl(owner, path("/acl"), &acl, &stat), ZOK, "get_acl");
    expect(acl.count, 1, "entries");
    expect_text(acl.data[0].id.scheme, "digest", "scheme");
    deallocate_ACL_vector(&acl);
    expect(zoo_get(another, path("/acl"), 0, data, &length, NULL), ZNOAUTH, "get by another client");
    expect(zoo_set_acl(another, path("/acl"), -1, &ZOO_OPEN_ACL_UNSAFE), ZNOAUTH, "set_acl by another client");
    expect(zoo_set_acl(owner, path("/acl"), 4, &ZOO_OPEN_ACL_UNSAFE), ZBADVERSION, "set_acl of a wrong version");
    expect(zoo_set_acl(owner, path("/acl"), 0, &ZOO_OPEN_ACL_UNSAFE), ZOK, "set_acl");
    expect(zoo_get(another, path("/acl"), 0, data, &length, &stat), ZOK, "get by anyone");
    expect(stat.aversion, 1, "aversion");
    zookeeper_close(owner);
    zookeeper_close(another);
}

static void multi(void) {
    zhandle_t *zh = open_any();
    char made[MAX_PATH], node[MAX_PATH], child[MAX_PATH];
    struct Stat stat;
    zoo_op_t ops[4];
    zoo_op_result_t results[4];
    snprintf(node, sizeof node, "%s/multi", root);
    snprintf(child, sizeof child, "%s/multi/child", root);
    zoo_create_op_init(&ops[0], node, "x", 1, &ZOO_OPEN_ACL_UNSAFE, 0, made, sizeof made);
    zoo_check_op_init(&ops[1], node, 0);
    zoo_set_op_init(&ops[2], node, "yy", 2, 0, &stat);
    zoo_create_op_init(&ops[3], child, "z", 1, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    expect(zoo_multi(zh, 4, ops, results), ZOK, "multi");
    expect_text(made, node, "created");
    expect(stat.version, 1, "version");
    zoo_delete_op_init(&ops[0], child, -1);
    zoo_check_op_init(&ops[1], node, 9);
    zoo_delete_op_init(&ops[2], node, -1);
    expect(zoo_multi(zh, 3, ops, results), ZBADVERSION, "failing multi");
    expect(results[0].err, ZOK, "first code");
    expect(results[1].err, ZBADVERSION, "second code");
    expect(results[2].err, ZRUNTIMEINCONSISTENCY, "third code");
    expect(zoo_exists(zh, child, 0, &stat), ZOK, "child after the failure");
    zookeeper_close(zh);
}

static void sync_answers(void) {
    zhandle_t *zh = open_any();
    expect(sync_path(zh, root), ZOK, "sync");
    zookeeper_close(zh);
}

static void watches(void) {
    zhandle_t *zh = open_any();
    struct event_log log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct String_vector children;
    struct Stat stat;
    char data[8], node[MAX_PATH], child[MAX_PATH];
    int length = sizeof data;
    snprintf(node, sizeof node, "%s/watched", root);
    snprintf(child, sizeof child, "%s/watched/child", root);
    expect(zoo_wexists(zh, node, record, &log, &stat), ZNONODE, "exists");
    expect(make(zh, node, "x", 0, NULL), ZOK, "create");
    expect(event_at(&log, 0), ZOO_CREATED_EVENT, "event of create");
    expect(zoo_wget(zh, node, record, &log, data, &length, NULL), ZOK, "get");
    expect(zoo_set(zh, node, "y", 1, -1), ZOK, "set");
    expect(event_at(&log, 1), ZOO_CHANGED_EVENT, "event of set");
    expect(zoo_wget_children(zh, node, record, &log, &children), ZOK, "children");
    deallocate_String_vector(&children);
    expect(make(zh, child, "x", 0, NULL), ZOK, "create of a child");
    expect(event_at(&log, 2), ZOO_CHILD_EVENT, "event of a child");
    expect(zoo_delete(zh, child, -1), ZOK, "delete of the child");
    expect(zoo_wexists(zh, node, record, &log, &stat), ZOK, "exists again");
    expect(zoo_delete(zh, node, -1), ZOK, "delete");
    expect(event_at(&log, 3), ZOO_DELETED_EVENT, "event of delete");
    expect(log.count, 4, "count of events");
    zookeeper_close(zh);
}

static void reconnect(void) {
    zhandle_t *zh = open_session(getenv("ZK_PROXY"), 10000, NULL), *other = open_any();
    struct event_log changed = {.lock = PTHREAD_MUTEX_INITIALIZER}, kept = {.lock = PTHREAD_MUTEX_INITIALIZER};
    char data[8];
    int length = sizeof data;
    int64_t session = zoo_client_id(zh)->client_id;
    struct Stat stat;
    expect(make(zh, path("/changed"), "x", ZOO_EPHEMERAL, NULL), ZOK, "create");
    expect(make(zh, path("/kept"), "x", ZOO_EPHEMERAL, NULL), ZOK, "create");
    expect(zoo_wget(zh, path("/changed"), record, &changed, data, &length, NULL), ZOK, "get");
    length = sizeof data;
    expect(zoo_wget(zh, path("/kept"), record, &kept, data, &length, NULL), ZOK, "get");
    control("block");
    for (int tries = 0; zoo_state(zh) == ZOO_CONNECTED_STATE && tries < 500; tries++) pause_ms(20);
    expect(zoo_set(other, path("/changed"), "y", 1, -1), ZOK, "set meanwhile");
    control("unblock");
    expect(event_at(&changed, 0), ZOO_CHANGED_EVENT, "event of the change while disconnected");
    expect(zoo_set(other, path("/kept"), "y", 1, -1), ZOK, "set later");
    expect(event_at(&kept, 0), ZOO_CHANGED_EVENT, "event of a later change");
    expect(zoo_client_id(zh)->client_id == session, 1, "session stays");
    expect(zoo_exists(other, path("/kept"), 0, &stat), ZOK, "ephemeral");
    expect(stat.ephemeralOwner == session, 1, "owner");
    zookeeper_close(zh);
    zookeeper_close(other);
}

static void expiry(void) {
    zhandle_t *zh = open_session(getenv("ZK_PROXY"), 2000, NULL), *other = open_any();
    struct Stat stat;
    expect(zoo_recv_timeout(zh), 2000, "negotiated timeout");
    expect(make(zh, path("/expiring"), "x", ZOO_EPHEMERAL, NULL), ZOK, "create");
    control("block");
    int code = ZOK;
    for (int tries = 0; (code = zoo_exists(other, path("/expiring"), 0, &stat)) == ZOK && tries < 500; tries++) pause_ms(20);
    expect(code, ZNONODE, "ephemeral");
    control("unblock");
    for (int tries = 0; zoo_state(zh) != ZOO_EXPIRED_SESSION_STATE && tries < 500; tries++) pause_ms(20);
    expect(zoo_state(zh), ZOO_EXPIRED_SESSION_STATE, "state");
    zookeeper_close(zh);
    zookeeper_close(other);
}

/* ---- three servers ---- */

static const char *server(int index) {
    static char hosts[3][64];
    const char *at = getenv("ZK_SERVERS");
    for (int skipped = 0; skipped < index; skipped++) at = strchr(at, ',') + 1;
    snprintf(hosts[index], sizeof hosts[index], "%.*s", (int)strcspn(at, ","), at);
    return hosts[index];
}

static int same_stat(const struct Stat *a, const struct Stat *b) {
    return a->czxid == b->czxid && a->mzxid == b->mzxid && a->pzxid == b->pzxid && a->ctime == b->ctime && a->mtime == b->mtime
        && a->version == b->version && a->cversion == b->cversion && a->aversion == b->aversion
        && a->ephemeralOwner == b->ephemeralOwner && a->dataLength == b->dataLength && a->numChildren == b->numChildren;
}

static void read_elsewhere(void) {
    zhandle_t *handles[3];
    char data[8], value[8];
    struct Stat written, seen;
    for (int index = 0; index < 3; index++) handles[index] = open_session(server(index), 10000, NULL);
    expect(make(handles[0], root, "", 0, NULL), ZOK, "create");
    for (int round = 0; round < 20; round++) {
        zhandle_t *writer = handles[round % 3];
        snprintf(value, sizeof value, "%d", round);
        expect(sync_path(writer, root), ZOK, "sync of the writer");
        expect(zoo_set2(writer, root, value, strlen(value), round, &written), ZOK, "set");
        for (int index = 0; index < 3; index++) {
            int length = sizeof data;
            expect(sync_path(handles[index], root), ZOK, "sync");
            expect(zoo_get(handles[index], root, 0, data, &length, &seen), ZOK, "get");
            expect(length == (int)strlen(value) && memcmp(data, value, length) == 0, 1, "data");
            expect(same_stat(&seen, &written), 1, "Stat is the same");
        }
    }
    for (int index = 0; index < 3; index++) zookeeper_close(handles[index]);
}

static void kill_each(void) {
    char verb[32], node[MAX_PATH], data[8];
    struct Stat stat;
    control("wait");
    zhandle_t *zh = open_session(getenv("ZK_SERVERS"), 15000, NULL);
    int64_t session = zoo_client_id(zh)->client_id;
    expect(make(zh, path("/keeper"), "x", ZOO_EPHEMERAL, NULL), ZOK, "create");
    int leader = control("leader");
    expect(leader >= 1 && leader <= 3, 1, "a leader is known");
    for (int step = 0; step < 3 && reason[0] == '\0'; step++) {
        int victim = (leader - 1 + step) % 3 + 1, code = ZCONNECTIONLOSS;
        snprintf(node, sizeof node, "%s/killed-%d", root, victim);
        snprintf(verb, sizeof verb, "kill/%d", victim);
        control(verb);
        for (int tries = 0; code == ZCONNECTIONLOSS || code == ZOPERATIONTIMEOUT; tries++) {
            if (tries > 300) break;
            code = make(zh, node, "v", 0, NULL);
            if (code != ZOK) pause_ms(100);
        }
        expect(code == ZOK || code == ZNODEEXISTS, 1, "a write goes through");
        snprintf(verb, sizeof verb, "start/%d", victim);
        control(verb);
        zhandle_t *returned = open_session(server(victim - 1), 10000, NULL);
        int length = sizeof data;
        expect(sync_path(returned, node), ZOK, "sync on the returned server");
        expect(zoo_get(returned, node, 0, data, &length, NULL), ZOK, "get on the returned server");
        zookeeper_close(returned);
    }
    expect(zoo_client_id(zh)->client_id == session, 1, "session stays");
    expect(zoo_exists(zh, path("/keeper"), 0, &stat), ZOK, "ephemeral");
    expect(stat.ephemeralOwner == session, 1, "owner");
    zookeeper_close(zh);
}

/* A client of one server, with an ephemeral, a watch, and many writes under way. */
struct survivor {
    zhandle_t *zh;
    char node[MAX_PATH];
    atomic_int answered; /* of the writes */
    atomic_int wrong;    /* those that failed, or came in another order */
    atomic_int states;   /* events of the connection after its beginning */
    atomic_int changes;  /* events of the watch */
};

static const int survivor_writes = 2000; /* so many that most are under way when the leader is dead */

static void survivor_event(zhandle_t *zh, int type, int state, const char *node, void *context) {
    struct survivor *survivor = context;
    (void)zh, (void)state, (void)node;
    if (type == ZOO_SESSION_EVENT) survivor->states++;
    if (type == ZOO_CHANGED_EVENT) survivor->changes++;
}

static void survivor_written(int code, const struct Stat *stat, const void *context) {
    struct survivor *survivor = (struct survivor *)context;
    if (code != ZOK || stat->version != survivor->answered + 1) survivor->wrong++;
    survivor->answered++;
}

static void survivor_opens(struct survivor *survivor, int id, int round) {
    char node[MAX_PATH + 16];
    memset(survivor, 0, sizeof *survivor);
    snprintf(survivor->node, sizeof survivor->node, "%.200s/survivor-%d-%d", root, round, id);
    survivor->zh = open_session(server(id - 1), 10000, NULL);
    expect(make(survivor->zh, survivor->node, "", 0, NULL), ZOK, "create");
    snprintf(node, sizeof node, "%s/held", survivor->node);
    expect(make(survivor->zh, node, "", ZOO_EPHEMERAL, NULL), ZOK, "create an ephemeral");
    snprintf(node, sizeof node, "%s/watched", survivor->node);
    expect(make(survivor->zh, node, "", 0, NULL), ZOK, "create a watched znode");
    expect(zoo_wexists(survivor->zh, node, survivor_event, survivor, NULL), ZOK, "watch");
    zoo_set_watcher(survivor->zh, survivor_event);
    zoo_set_context(survivor->zh, survivor);
}

static void survivor_finishes(struct survivor *survivor) {
    char node[MAX_PATH + 16];
    struct Stat stat;
    for (int tries = 0; survivor->answered < survivor_writes && tries < 1000; tries++) pause_ms(20);
    expect(survivor->answered, survivor_writes, "answered writes");
    expect(survivor->wrong, 0, "writes that failed or came in another order");
    expect(survivor->changes, 0, "events before the change");
    snprintf(node, sizeof node, "%s/watched", survivor->node);
    expect(zoo_set(survivor->zh, node, "x", 1, 0), ZOK, "set of the watched znode");
    for (int tries = 0; survivor->changes == 0 && tries < 500; tries++) pause_ms(20);
    expect(survivor->changes, 1, "events of the watch");
    snprintf(node, sizeof node, "%s/held", survivor->node);
    expect(zoo_exists(survivor->zh, node, 0, &stat), ZOK, "ephemeral");
    expect(stat.ephemeralOwner == zoo_client_id(survivor->zh)->client_id, 1, "owner");
    expect(survivor->states, 0, "events of the connection");
    zookeeper_close(survivor->zh);
}

static void survivors_notice_nothing(void) {
    static struct survivor survivors[2];
    const char *target = getenv("ZK_TARGET");
    char verb[32];
    if (target != NULL && strcmp(target, "zookeeper") == 0) return; /* it closes the connections of all clients */
    control("wait");
    for (int round = 0; round < 5 && reason[0] == '\0'; round++) {
        int leader = control("leader");
        expect(leader >= 1 && leader <= 3, 1, "a leader is known");
        for (int index = 0; index < 2; index++) survivor_opens(&survivors[index], (leader + index) % 3 + 1, round);
        for (int write = 0; write < survivor_writes; write++) {
            for (int index = 0; index < 2; index++) {
                struct survivor *survivor = &survivors[index];
                expect(zoo_aset(survivor->zh, survivor->node, "x", 1, write, survivor_written, survivor), ZOK, "send a write");
            }
        }
        snprintf(verb, sizeof verb, "kill/%d", leader);
        control(verb);
        for (int index = 0; index < 2; index++) survivor_finishes(&survivors[index]);
        snprintf(verb, sizeof verb, "start/%d", leader);
        control(verb);
        control("wait");
    }
}

int main(int argc, char **argv) {
    root = getenv("ZK_ROOT");
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    if (argc > 1 && strcmp(argv[1], "single") == 0) {
        check("every operation on a znode gives the results and codes of ZooKeeper", operations);
        check("create makes znodes in all four modes, create2 with a Stat", create_modes);
        check("ACLs with digest protect a znode", acls);
        check("multi with check commits as a whole or reports each operation", multi);
        check("sync calls back with success", sync_answers);
        check("watches report all four changes, once each", watches);
        check("watches and ephemerals survive a lost connection", reconnect);
        check("a session cut off for longer than its timeout is expired", expiry);
    } else if (argc > 1 && strcmp(argv[1], "extended") == 0) {
        run_extended_checks();
    } else {
        check("what is written on one server is read on each other server after sync", read_elsewhere);
        check("a client goes on when its server, each in turn and the leader too, dies by kill -9 and returns", kill_each);
        check("clients of the servers that survive notice nothing when the leader dies by kill -9 with many writes of each under way", survivors_notice_nothing);
    }
    return failed_count == 0 ? 0 : 1;
}
