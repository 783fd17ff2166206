/* Shared by the files of the C suite: reports, sessions, events, and faults. */
#ifndef HARNESS_H
#define HARNESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zookeeper/zookeeper.h>

#define MAX_PATH 256

extern const char *root;
extern char reason[1024]; /* why the current check has failed, or empty */
extern int failed_count;

struct event_log {
    pthread_mutex_t lock;
    int types[32];
    int count;
};

int expect(long actual, long wanted, const char *what);
int expect_text(const char *actual, const char *wanted, const char *what);
void check(const char *title, void (*run)(void));
void pause_ms(long ms);
int control(const char *verb);
zhandle_t *open_session(const char *servers, int timeout_ms, const clientid_t *id);
zhandle_t *open_any(void);
const char *path(const char *name);
int make(zhandle_t *zh, const char *node, const char *value, int flags, char *made);
void record(zhandle_t *zh, int type, int state, const char *node, void *context);
int event_at(struct event_log *log, int index);
int authenticate(zhandle_t *zh, const char *credentials);
int sync_path(zhandle_t *zh, const char *node);

void run_extended_checks(void);

#endif
