/*
 * The C client of the suite `leader-changes`: one session with an ephemeral, a lock, a watch and pipelines of writes.
 * A command on each line of the input, an answer on each line of the output (test/compat/leader-changes/suite.ts).
 */
#include "harness.h"

#define PIPELINE 100

static zhandle_t *zh;
static int64_t session_id;
static char node[MAX_PATH], watched[MAX_PATH], held[MAX_PATH], lock_folder[MAX_PATH], lock_node[MAX_PATH];
static _Atomic int losses; /* events of the connection other than "connected" */
static struct event_log events = {.lock = PTHREAD_MUTEX_INITIALIZER};
static int version, change_count;
static int last; /* the data of that version */

/* One write of a pipeline. */
struct outcome {
    int number, code, version;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived = PTHREAD_COND_INITIALIZER;
static int missing; /* outcomes that have not arrived */

static void on_connection(zhandle_t *handle, int type, int state, const char *path, void *context) {
    (void)handle, (void)path, (void)context;
    if (type == ZOO_SESSION_EVENT && state != ZOO_CONNECTED_STATE) atomic_fetch_add(&losses, 1);
}

static int open_holder(const char *hosts, const char *path) {
    zh = zookeeper_init(hosts, on_connection, 10000, NULL, NULL, 0);
    for (int tries = 0; zoo_state(zh) != ZOO_CONNECTED_STATE && tries < 1000; tries++) pause_ms(20);
    expect(zoo_state(zh), ZOO_CONNECTED_STATE, "state after init");
    session_id = zoo_client_id(zh)->client_id;
    snprintf(node, sizeof node, "%s", path);
    snprintf(watched, sizeof watched, "%s/watched", path);
    snprintf(held, sizeof held, "%s/held", path);
    snprintf(lock_folder, sizeof lock_folder, "%s/lock", path);
    expect(make(zh, node, "", 0, NULL), ZOK, "create");
    expect(make(zh, watched, "", 0, NULL), ZOK, "create of what is watched");
    expect(make(zh, held, "", ZOO_EPHEMERAL, NULL), ZOK, "create of the ephemeral");
    expect(make(zh, lock_folder, "", 0, NULL), ZOK, "create of the lock");
    char prefix[MAX_PATH + 4];
    snprintf(prefix, sizeof prefix, "%s/n-", lock_folder);
    expect(make(zh, prefix, "", ZOO_EPHEMERAL | ZOO_SEQUENCE, lock_node), ZOK, "lock");
    struct Stat stat;
    expect(zoo_wexists(zh, watched, record, &events, &stat), ZOK, "watch");
    atomic_store(&losses, 0);
    return 0;
}

static void write_done(int code, const struct Stat *stat, const void *data) {
    struct outcome *outcome = (struct outcome *)data;
    outcome->code = code;
    outcome->version = code == ZOK ? stat->version : -1;
    pthread_mutex_lock(&lock);
    if (--missing == 0) pthread_cond_signal(&arrived);
    pthread_mutex_unlock(&lock);
}

/* Each write gives the znode a version of its own, so one that was lost or done twice shows in the versions. */
static int pipeline(void) {
    static struct outcome outcomes[PIPELINE]; /* those of a pipeline that failed may still arrive */
    int todo[PIPELINE], number_of[PIPELINE] = {0};
    int count = PIPELINE, lost = 0;
    for (int i = 0; i < PIPELINE; i++) todo[i] = version + i + 1;
    while (count > 0) {
        pthread_mutex_lock(&lock);
        missing = count;
        pthread_mutex_unlock(&lock);
        for (int i = 0; i < count; i++) {
            char data[16];
            int length = snprintf(data, sizeof data, "%d", todo[i]);
            outcomes[i] = (struct outcome){.number = todo[i]};
            int sent = zoo_aset(zh, node, data, length, -1, write_done, &outcomes[i]);
            if (!expect(sent, ZOK, "send of a write")) return lost;
        }
        pthread_mutex_lock(&lock);
        while (missing > 0) pthread_cond_wait(&arrived, &lock);
        pthread_mutex_unlock(&lock);
        int again = 0;
        for (int i = 0; i < count; i++) {
            struct outcome *outcome = &outcomes[i];
            if (outcome->code == ZCONNECTIONLOSS || outcome->code == ZOPERATIONTIMEOUT) {
                todo[again++] = outcome->number;
                continue;
            }
            int index = outcome->version - version - 1;
            if (!expect(outcome->code, ZOK, "outcome of a write")) return lost;
            if (!expect(index >= 0 && index < PIPELINE && number_of[index] == 0, 1, "a write has a version of its own")) return lost;
            number_of[index] = outcome->number;
        }
        lost += again;
        count = again;
    }
    version += PIPELINE;
    last = number_of[PIPELINE - 1];
    return lost;
}

static int event_count(void) {
    pthread_mutex_lock(&events.lock);
    int count = events.count;
    pthread_mutex_unlock(&events.lock);
    return count;
}

static int inspect(void) {
    struct Stat stat;
    struct String_vector contenders;
    expect(event_count(), change_count, "events before the change");
    expect(zoo_set(zh, watched, "", 0, -1), ZOK, "change");
    expect(event_at(&events, change_count), ZOO_CHANGED_EVENT, "event of the watch");
    change_count++;
    expect(zoo_wexists(zh, watched, record, &events, &stat), ZOK, "watch");
    expect(event_count(), change_count, "events after the change");
    char data[16] = "";
    int length = sizeof data - 1;
    expect(zoo_get(zh, node, 0, data, &length, &stat), ZOK, "get");
    expect(atoi(data), last, "value");
    expect(stat.version, version, "version");
    expect(zoo_exists(zh, held, 0, &stat), ZOK, "exists");
    expect(stat.ephemeralOwner, session_id, "owner of the ephemeral");
    expect(zoo_exists(zh, lock_node, 0, &stat), ZOK, "lock is held");
    expect(stat.ephemeralOwner, session_id, "owner of the lock");
    if (expect(zoo_get_children(zh, lock_folder, 0, &contenders), ZOK, "children")) {
        expect(contenders.count, 1, "contenders of the lock");
        deallocate_String_vector(&contenders);
    }
    expect(zoo_client_id(zh)->client_id, session_id, "session");
    return atomic_load(&losses);
}

int main(void) {
    char line[1024], hosts[256], path[MAX_PATH];
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    while (fgets(line, sizeof line, stdin) != NULL) {
        int answer = 0;
        reason[0] = '\0';
        if (sscanf(line, "open %255s %255s", hosts, path) == 2) answer = open_holder(hosts, path);
        else if (strcmp(line, "pipeline\n") == 0) answer = pipeline();
        else if (strcmp(line, "inspect\n") == 0) answer = inspect();
        else expect(zookeeper_close(zh), ZOK, "close");
        if (reason[0] == '\0') printf("ok %d\n", answer);
        else printf("failed: %s\n", reason);
        fflush(stdout);
    }
    return 0;
}
