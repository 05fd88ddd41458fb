#include "verify.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "progress.h"
#include "replay.h"
#include "verify_outputs.h"
#include "verify_state.h"

#define ERROR_BYTES 600

static const char *const kinds[VERIFIED_KINDS] = {"journal", "outputs", "state", "balance"};

void finding(struct findings *findings, enum verified kind, const char *format, ...) {
    if (findings->count[kind]++ >= FINDINGS_SHOWN) return;
    va_list values;
    printf("%-8s ", kinds[kind]);
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    putchar('\n');
}

/* Pages of a damaged state can end who reads them. So the work is done by a child, and this is what it says that it is at. */
struct stage {
    bool in_state; /* reading DIR/state */
    bool done;
    int64_t result; /* differences found; -1: failed */
    struct failure failure;
};

struct verifying {
    const char *data;
    struct data_dir dir;
    char state_path[PATH_MAX];
    struct store *state; /* NULL: there is none, or it is not looked at */
    struct place place;  /* where it stands */
    struct replay replay;
    struct verify_outputs *outputs;
    struct findings findings;
    struct stage *stage;
    struct failure *failure;
    int64_t entries, tenants; /* compared; -1: not */
    uint64_t seals;
};

/* ---- the state ---- */

static int state_failed(struct verifying *v, const struct store *store, int code) {
    if (store != v->state) return fail_store(v->failure, code, "the state made for this question", store_error(store));
    finding(&v->findings, VERIFIED_STATE, "%s cannot be read: %s.", v->state_path, store_error(store));
    return 0;
}

static void state_close(struct verifying *v) {
    if (v->state) store_abort(v->state);
    store_close(v->state);
    v->state = NULL;
}

/* A state that is not there, or of another version, is built again by the next fold: nothing is wrong with that. */
static void state_leave(struct verifying *v, const char *why) {
    printf("state    %s %s: it is not compared. The next fold builds it again.\n", v->state_path, why);
    state_close(v);
}

static int state_open(struct verifying *v) {
    char error[ERROR_BYTES], data[PATH_MAX + 16];
    data_dir_state(&v->dir, v->state_path);
    snprintf(data, sizeof data, "%s/data.mdb", v->state_path);
    if (access(data, F_OK) < 0) {
        state_leave(v, "holds no state");
        return 0;
    }
    v->stage->in_state = true;
    int code = store_open_lmdb_reader(&v->state, v->state_path, error, sizeof error);
    if (code < 0) {
        finding(&v->findings, VERIFIED_STATE, "%s cannot be read: %s.", v->state_path, error);
        return 0;
    }
    code = store_begin(v->state);
    if (code == 0) code = place_load(v->state, &v->place);
    v->stage->in_state = false;
    if (code == STORE_ABSENT) state_leave(v, "has seen nothing of the journal");
    if (code == STORE_ERROR_DIRTY) state_leave(v, "stands between two seals, or another version of ringback wrote it");
    if (code < 0 && v->state) {
        state_failed(v, v->state, code);
        state_close(v);
    }
    return 0;
}

/* Where the state stands there must be a seal like the one it remembers. */
static bool place_agrees(const struct verifying *v, const struct place *place) {
    return memcmp(v->place.log.seal_hash, place->log.seal_hash, SEAL_HASH_BYTES) == 0 && v->place.log.position == place->log.position;
}

static int state_compare(struct verifying *v, const struct reader_at *at) {
    const struct store *failed = v->state;
    if (!place_agrees(v, at->place))
        finding(&v->findings, VERIFIED_STATE, "%s follows another journal: it remembers another seal %" PRId64 ".", v->state_path,
                v->place.log.sequence);
    v->stage->in_state = true;
    int64_t result = verify_state(v->state, at->store, v->state_path, &v->findings, &failed);
    if (result >= 0) v->entries = result;
    if (result >= 0) result = v->tenants = verify_balance(v->state, &v->findings);
    v->stage->in_state = false;
    return result < 0 ? state_failed(v, failed, (int)result) : 0;
}

/* ---- the journal, read again ---- */

static int sealed(void *context, const struct reader_at *at) {
    struct verifying *v = context;
    v->seals++;
    return v->state && at->place->log.sequence == v->place.log.sequence ? state_compare(v, at) : 0;
}

static int differs(void *context, const struct reader_at *at, const char *what) {
    struct verifying *v = context;
    const struct seal *seal = &at->record->body.seal;
    finding(&v->findings, VERIFIED_JOURNAL,
            "seal %" PRId64 ", at byte %" PRId64 ": the %" PRId64
            " records before it give %s than when it was written. They were changed since, or this is not the "
            "ringback that wrote them.",
            seal->sequence, at->block_at, seal->records, what);
    return 0;
}

static int output(void *context, const struct output *output) { return verify_output(((struct verifying *)context)->outputs, output); }

static int read_again(struct verifying *v) {
    struct reader_query query = {.until = NONE, .output = output, .sealed = sealed, .differs = differs, .context = v};
    if (replay_open(&v->replay, v->data, v->failure) < 0) return -1;
    if (verify_outputs_open(&v->outputs, &v->dir, &v->replay.journal->sealed, &v->findings, v->failure) < 0) return -1;
    if (replay_run(&v->replay, &query, "reading the journal again:") < 0) return -1;
    if (v->state && v->place.log.sequence > v->replay.place.log.sequence)
        finding(&v->findings, VERIFIED_STATE, "%s follows the journal up to seal %" PRId64 ", but the journal ends with seal %" PRId64 ".",
                v->state_path, v->place.log.sequence, v->replay.place.log.sequence);
    return 0;
}

/* ---- all of it ---- */

static void say(const struct verifying *v, enum verified kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(const struct verifying *v, enum verified kind, const char *format, ...) {
    uint64_t count = v->findings.count[kind];
    va_list values;
    printf("%-8s ", kinds[kind]);
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
    if (count == 0)
        puts(": as it should be");
    else
        printf(": %" PRIu64 " differ%s\n", count, count > FINDINGS_SHOWN ? ", of which 20 are shown" : "");
}

static void sum_up(struct verifying *v) {
    char records[32], seals[32], outputs[32], entries[32], tenants[32];
    uint64_t compared = verify_outputs_finish(v->outputs);
    say(v, VERIFIED_JOURNAL, "%s records, %s seal%s", grouped(v->replay.counts.records - v->seals, records), grouped(v->seals, seals),
        v->seals == 1 ? "" : "s");
    if (v->replay.counts.uncompared)
        printf("         the hash of the state of %s seals, by a ringback that lays it out otherwise, was not compared\n",
               grouped(v->replay.counts.uncompared, seals));
    say(v, VERIFIED_OUTPUTS, "%s records of %d files", grouped(compared, outputs), TOPICS);
    if (v->entries >= 0)
        say(v, VERIFIED_STATE, "%s entries of %d tables, at seal %" PRId64, grouped((uint64_t)v->entries, entries), TABLES,
            v->place.log.sequence);
    if (v->tenants >= 0)
        say(v, VERIFIED_BALANCE, "the calls of %s account%s", grouped((uint64_t)v->tenants, tenants), v->tenants == 1 ? "" : "s");
}

static int64_t verify_once(const char *data, bool with_state, struct stage *stage) {
    struct verifying v = {.data = data, .stage = stage, .failure = &stage->failure, .entries = -1, .tenants = -1};
    int result = data_dir_open(&v.dir, data, v.failure);
    if (result == 0 && with_state) result = state_open(&v);
    if (result == 0) result = read_again(&v);
    if (result == 0) sum_up(&v);
    verify_outputs_close(v.outputs);
    replay_close(&v.replay);
    state_close(&v);
    int64_t found = 0;
    for (int kind = 0; kind < VERIFIED_KINDS; kind++) found += (int64_t)v.findings.count[kind];
    return result < 0 ? -1 : found;
}

enum ending { ENDED_WELL, ENDED_BY_DAMAGE, ENDED_BADLY };

/* Does it in a child; *how is what waitpid says of its end. */
static enum ending verify_apart(const char *data, bool with_state, struct stage *stage, int *how) {
    fflush(stdout);
    *stage = (struct stage){0};
    pid_t child = fork();
    if (child < 0) {
        fail_errno(&stage->failure, "start a process for", data);
        return ENDED_BADLY;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what was found is out, however this ends */
        stage->result = verify_once(data, with_state, stage);
        if (fflush(stdout) != 0 || ferror(stdout))
            stage->result = fail(&stage->failure, EXIT_FAILED, "cannot write to standard output: %s.", strerror(errno));
        stage->done = true;
        _exit(EXIT_DONE);
    }
    while (waitpid(child, how, 0) < 0 && errno == EINTR) continue;
    if (stage->done) return ENDED_WELL;
    int signal = WIFSIGNALED(*how) ? WTERMSIG(*how) : 0;
    if (signal == SIGPIPE) raise(signal); /* who read what it printed has seen enough */
    bool crashed = signal == 0 || signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE || signal == SIGILL;
    if (crashed && stage->in_state) return ENDED_BY_DAMAGE;
    fail(&stage->failure, EXIT_FAILED, "the process that read %s was ended (%s).", data, signal ? strsignal(signal) : "by itself");
    return ENDED_BADLY;
}

int verify(const char *data, struct failure *failure) {
    struct stage *stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage == MAP_FAILED) return fail_memory(failure);
    bool damaged = false;
    int how;
    enum ending ending = verify_apart(data, true, stage, &how);
    if (ending == ENDED_BY_DAMAGE) {
        printf("state    %s/state cannot be read: its pages are damaged, which ended the reader (%s).\n", data,
               WIFSIGNALED(how) ? strsignal(WTERMSIG(how)) : "by itself");
        damaged = true;
        ending = verify_apart(data, false, stage, &how);
    }
    int result = stage->result + damaged > 0;
    if (ending != ENDED_WELL || stage->result < 0) {
        *failure = stage->failure;
        result = -1;
    }
    munmap(stage, sizeof *stage);
    return result;
}
