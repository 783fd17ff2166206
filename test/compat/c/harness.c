/* Reports the checks of the C suite, one line each, and reaches its servers; faults go through the control port. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "harness.h"

const char *root;
char reason[1024];
int failed_count;

/* ---- reporting ---- */

int expect(long actual, long wanted, const char *what) {
    if (actual == wanted) return 1;
    if (reason[0] == '\0') snprintf(reason, sizeof reason, "%s: got %ld, wanted %ld", what, actual, wanted);
    return 0;
}

int expect_text(const char *actual, const char *wanted, const char *what) {
    if (strcmp(actual, wanted) == 0) return 1;
    if (reason[0] == '\0') snprintf(reason, sizeof reason, "%s: got %s, wanted %s", what, actual, wanted);
    return 0;
}

void check(const char *title, void (*run)(void)) {
    reason[0] = '\0';
    run();
    if (reason[0] == '\0') {
        printf("ok %s\n", title);
    } else {
        failed_count++;
        printf("not ok %s: %s\n", title, reason);
    }
    fflush(stdout);
}

/* ---- reaching the servers ---- */

void pause_ms(long ms) {
    struct timespec span = {ms / 1000, (ms % 1000) * 1000000};
    nanosleep(&span, NULL);
}

/* Sends the runner a command over HTTP. Returns the number in the answer, or 0. */
int control(const char *verb) {
    char host[64], request[256], answer[2048];
    snprintf(host, sizeof host, "%s", getenv("ZK_CONTROL"));
    char *colon = strchr(host, ':');
    *colon = '\0';
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
    inet_pton(AF_INET, host, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        expect(1, 0, "control port refuses");
        close(fd);
        return 0;
    }
    int length = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", verb);
    if (write(fd, request, length) != length) expect(1, 0, "control write");
    size_t used = 0;
    ssize_t got;
    while (used < sizeof answer - 1 && (got = read(fd, answer + used, sizeof answer - 1 - used)) > 0) used += got;
    answer[used] = '\0';
    close(fd);
    expect(strncmp(answer, "HTTP/1.1 200", 12), 0, verb);
    char *body = strstr(answer, "\r\n\r\n");
    int number = 0;
    for (char *at = body; at != NULL && *at != '\0'; at = strchr(at + 1, '\n')) /* the body may be chunked: take the line that is one digit */
        if (at[0] == '\n' && at[1] >= '0' && at[1] <= '9' && at[2] == '\n') number = at[1] - '0';
    return number;
}

zhandle_t *open_session(const char *servers, int timeout_ms, const clientid_t *id) {
    zhandle_t *zh = zookeeper_init(servers, NULL, timeout_ms, id, NULL, 0);
    for (int tries = 0; zoo_state(zh) != ZOO_CONNECTED_STATE && tries < 1000; tries++) pause_ms(20);
    expect(zoo_state(zh), ZOO_CONNECTED_STATE, "state after init");
    return zh;
}

zhandle_t *open_any(void) { return open_session(getenv("ZK_SERVERS"), 10000, NULL); }

const char *path(const char *name) {
    static char paths[8][MAX_PATH];
    static int next;
    char *result = paths[next++ % 8];
    snprintf(result, MAX_PATH, "%s%s", root, name);
    return result;
}

int make(zhandle_t *zh, const char *node, const char *value, int flags, char *made) {
    return zoo_create(zh, node, value, value == NULL ? -1 : (int)strlen(value), &ZOO_OPEN_ACL_UNSAFE, flags, made, made == NULL ? 0 : MAX_PATH);
}

/* ---- events ---- */

void record(zhandle_t *zh, int type, int state, const char *node, void *context) {
    (void)zh, (void)state, (void)node;
    if (type == ZOO_SESSION_EVENT) return;
    struct event_log *log = context;
    pthread_mutex_lock(&log->lock);
    if (log->count < 32) log->types[log->count++] = type;
    pthread_mutex_unlock(&log->lock);
}

int event_at(struct event_log *log, int index) {
    for (int tries = 0; tries < 500; tries++) {
        pthread_mutex_lock(&log->lock);
        int type = index < log->count ? log->types[index] : 0;
        pthread_mutex_unlock(&log->lock);
        if (type != 0) return type;
        pause_ms(20);
    }
    return 0;
}

static void auth_done(int rc, const void *context) { atomic_store((_Atomic int *)context, rc + 1000); }

int authenticate(zhandle_t *zh, const char *credentials) {
    static _Atomic int outcome;
    atomic_store(&outcome, 0);
    zoo_add_auth(zh, "digest", credentials, strlen(credentials), auth_done, &outcome);
    for (int tries = 0; atomic_load(&outcome) == 0 && tries < 500; tries++) pause_ms(20);
    return atomic_load(&outcome) - 1000;
}

static _Atomic int sync_code;

static void sync_done(int rc, const char *value, const void *context) {
    (void)context;
    atomic_store(&sync_code, value != NULL && rc == ZOK ? 1 : 2);
}

int sync_path(zhandle_t *zh, const char *node) {
    atomic_store(&sync_code, 0);
    zoo_async(zh, node, sync_done, NULL);
    for (int tries = 0; atomic_load(&sync_code) == 0 && tries < 500; tries++) pause_ms(20);
    return atomic_load(&sync_code) == 1 ? ZOK : ZSYSTEMERROR;
}
