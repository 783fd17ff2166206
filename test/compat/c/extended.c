/* Further features of the C client, against one server with TTL znodes, which deletes them and empty containers within about a second. */
#include "harness.h"

#define BATCH 300

static void wait_for(_Atomic int *counter, int wanted, const char *what) {
    for (int tries = 0; atomic_load(counter) < wanted && tries < 1000; tries++) pause_ms(20);
    expect(atomic_load(counter), wanted, what);
}

static void transient_znodes(void) {
    zhandle_t *zh = open_any();
    char made[MAX_PATH];
    struct Stat stat;
    expect(make(zh, root, "", 0, NULL), ZOK, "root");
    expect(make(zh, path("/container"), "", ZOO_CONTAINER, NULL), ZOK, "container");
    expect(make(zh, path("/container/child"), "", 0, NULL), ZOK, "child");
    expect(zoo_create2_ttl(zh, path("/ttl"), "abc", 3, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 500, made, sizeof made, &stat), ZOK, "TTL znode");
    expect(stat.dataLength, 3, "data length");
    expect(stat.ephemeralOwner, 0, "owner");
    expect(zoo_create_ttl(zh, path("/ttl-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 3600000, made, sizeof made), ZOK, "sequential TTL znode");
    expect_text(made, path("/ttl-0000000002"), "sequential name");
    expect(zoo_delete(zh, path("/container/child"), -1), ZOK, "delete of the child");
    int left = 3;
    for (int tries = 0; left != 1 && tries < 500; tries++) {
        struct String_vector names;
        expect(zoo_get_children(zh, root, 0, &names), ZOK, "children");
        left = names.count;
        deallocate_String_vector(&names);
        pause_ms(20);
    }
    expect(left, 1, "znodes left");
    zookeeper_close(zh);
}

static void removed_watches(void) {
    zhandle_t *zh = open_any();
    struct event_log data_log = {.lock = PTHREAD_MUTEX_INITIALIZER}, child_log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct String_vector names;
    struct Stat stat;
    char data[8], node[MAX_PATH], child[MAX_PATH];
    int length = sizeof data;
    snprintf(node, sizeof node, "%s/removed", root);
    snprintf(child, sizeof child, "%s/removed/child", root);
    expect(make(zh, node, "x", 0, NULL), ZOK, "create");
    expect(zoo_wget(zh, node, record, &data_log, data, &length, &stat), ZOK, "get");
    expect(zoo_wget_children2(zh, node, record, &child_log, &names, &stat), ZOK, "children");
    deallocate_String_vector(&names);
    expect(zoo_remove_watches(zh, node, ZWATCHTYPE_DATA, record, &data_log, 0), ZOK, "removal");
    expect(zoo_remove_watches(zh, node, ZWATCHTYPE_DATA, record, &data_log, 0), ZNOWATCHER, "removal again");
    expect(zoo_set(zh, node, "y", 1, -1), ZOK, "set");
    expect(make(zh, child, "x", 0, NULL), ZOK, "create of a child");
    expect(event_at(&child_log, 0), ZOO_CHILD_EVENT, "event of the watch that stays");
    expect(data_log.count, 0, "events of the watch that went");
    length = sizeof data;
    expect(zoo_wget(zh, node, record, &data_log, data, &length, &stat), ZOK, "get");
    expect(zoo_remove_all_watches(zh, node, ZWATCHTYPE_ANY, 0), ZOK, "removal of all");
    expect(zoo_delete(zh, child, -1), ZOK, "delete");
    expect(zoo_set(zh, node, "z", 1, -1), ZOK, "set again");
    expect(zoo_exists(zh, node, 0, &stat), ZOK, "exists");
    expect(data_log.count, 0, "events after all went");
    expect(child_log.count, 1, "events of children after all went");
    zookeeper_close(zh);
}

static int order[BATCH];
static _Atomic int called;

static void created(int rc, const char *name, const void *context) {
    (void)name;
    int at = atomic_load(&called);
    order[at] = rc == ZOK ? (int)(long)context : -1;
    atomic_store(&called, at + 1); /* one thread completes all calls of a handle */
}

static void completed_exists(int rc, const struct Stat *stat, const void *context) {
    (void)stat;
    created(rc == ZNONODE ? ZOK : rc, NULL, context);
}

static void gone(int rc, const void *context) { created(rc == ZNONODE ? ZOK : rc, NULL, context); }

static void asynchronous_calls(void) {
    zhandle_t *zh = open_any();
    char node[MAX_PATH];
    snprintf(node, sizeof node, "%s/async", root);
    expect(make(zh, node, "", 0, NULL), ZOK, "parent");
    atomic_store(&called, 0);
    for (long index = 0; index < BATCH; index++) {
        char name[MAX_PATH + 16];
        snprintf(name, sizeof name, "%s/%ld", node, index);
        if (index % 3 == 0) expect(zoo_acreate(zh, name, "x", 1, &ZOO_OPEN_ACL_UNSAFE, 0, created, (void *)index), ZOK, "acreate");
        if (index % 3 == 1) expect(zoo_aexists(zh, name, 0, completed_exists, (void *)index), ZOK, "aexists");
        if (index % 3 == 2) expect(zoo_adelete(zh, name, -1, gone, (void *)index), ZOK, "adelete");
    }
    wait_for(&called, BATCH, "calls completed");
    for (int index = 0; index < BATCH; index++) expect(order[index], index, "order");
    zookeeper_close(zh);
}

static _Atomic int multi_code;

static void multi_done(int rc, const void *context) {
    (void)context;
    atomic_store(&multi_code, rc + 1000);
}

static void asynchronous_multi(void) {
    zhandle_t *zh = open_any();
    char node[MAX_PATH], made[MAX_PATH];
    snprintf(node, sizeof node, "%s/amulti", root);
    zoo_op_t ops[2];
    zoo_op_result_t results[2];
    zoo_create_op_init(&ops[0], node, "x", 1, &ZOO_OPEN_ACL_UNSAFE, 0, made, sizeof made);
    zoo_check_op_init(&ops[1], node, 3);
    atomic_store(&multi_code, 0);
    expect(zoo_amulti(zh, 2, ops, results, multi_done, NULL), ZOK, "amulti");
    for (int tries = 0; atomic_load(&multi_code) == 0 && tries < 500; tries++) pause_ms(20);
    expect(atomic_load(&multi_code) - 1000, ZBADVERSION, "code of the failing multi");
    zoo_check_op_init(&ops[1], node, 0);
    atomic_store(&multi_code, 0);
    expect(zoo_amulti(zh, 2, ops, results, multi_done, NULL), ZOK, "amulti again");
    for (int tries = 0; atomic_load(&multi_code) == 0 && tries < 500; tries++) pause_ms(20);
    expect(atomic_load(&multi_code) - 1000, ZOK, "code of the multi");
    expect_text(made, node, "created");
    zookeeper_close(zh);
}

static void configuration(void) {
    zhandle_t *zh = open_any();
    char text[256];
    int length = sizeof text;
    struct Stat stat;
    expect(zoo_getconfig(zh, 0, text, &length, &stat), ZOK, "getconfig");
    expect(length <= 0, 1, "configuration of one server alone is empty");
    length = sizeof text;
    expect(zoo_reconfig(zh, "server.9=127.0.0.1:1:2;3", NULL, NULL, -1, text, &length, &stat), ZRECONFIGDISABLED, "reconfig");
    zookeeper_close(zh);
}

static void credentials_return(void) {
    zhandle_t *zh = open_session(getenv("ZK_PROXY"), 10000, NULL), *another = open_any();
    char data[8];
    int length = sizeof data, code = ZCONNECTIONLOSS;
    expect(authenticate(zh, "nora:pw"), ZOK, "auth");
    expect(zoo_create(zh, path("/secret"), "x", 1, &ZOO_CREATOR_ALL_ACL, 0, NULL, 0), ZOK, "create");
    expect(zoo_get(another, path("/secret"), 0, data, &length, NULL), ZNOAUTH, "get by another client");
    control("cut");
    for (int tries = 0; code == ZCONNECTIONLOSS && tries < 500; tries++) {
        length = sizeof data;
        code = zoo_get(zh, path("/secret"), 0, data, &length, NULL);
        if (code != ZOK) pause_ms(20);
    }
    expect(code, ZOK, "get after the loss");
    expect(authenticate(another, "nora:other"), ZOK, "another password is another identity");
    length = sizeof data;
    expect(zoo_get(another, path("/secret"), 0, data, &length, NULL), ZNOAUTH, "get by that identity");
    zookeeper_close(zh);
    zookeeper_close(another);
}

static void session_taken(void) {
    zhandle_t *first = open_session(getenv("ZK_PROXY"), 10000, NULL);
    clientid_t id = *zoo_client_id(first), forged = id;
    struct Stat stat;
    expect(make(first, path("/taken"), "", ZOO_EPHEMERAL, NULL), ZOK, "create");
    control("block");
    memset(forged.passwd, 7, sizeof forged.passwd);
    zhandle_t *thief = zookeeper_init(getenv("ZK_SERVERS"), NULL, 10000, &forged, NULL, 0);
    for (int tries = 0; zoo_state(thief) != ZOO_EXPIRED_SESSION_STATE && tries < 500; tries++) pause_ms(20);
    expect(zoo_state(thief), ZOO_EXPIRED_SESSION_STATE, "state with a wrong password");
    zhandle_t *heir = open_session(getenv("ZK_SERVERS"), 10000, &id);
    expect(zoo_exists(heir, path("/taken"), 0, &stat), ZOK, "exists");
    expect(stat.ephemeralOwner == id.client_id, 1, "owner");
    zookeeper_close(thief);
    zookeeper_close(heir);
    control("unblock");
    for (int tries = 0; zoo_state(first) != ZOO_EXPIRED_SESSION_STATE && tries < 500; tries++) pause_ms(20);
    expect(zoo_state(first), ZOO_EXPIRED_SESSION_STATE, "state of the first once the session is closed");
    zookeeper_close(first);
}

void run_extended_checks(void) {
    check("containers and TTL znodes are created, and deleted when they are empty or expired", transient_znodes);
    check("watches are removed one by one and all at once", removed_watches);
    check("asynchronous calls complete in the order of the calls", asynchronous_calls);
    check("an asynchronous multi calls back with its code", asynchronous_multi);
    check("the configuration is read and not changed", configuration);
    check("credentials are sent again after a lost connection", credentials_return);
    check("a session is taken over with its password and with no other", session_taken);
}
