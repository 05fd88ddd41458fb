#include "metrics_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../processors/fold.h"

/* The n-th field of /proc/self/stat, from 3 on: behind the name in parentheses, which may hold anything. -1: not to be had. */
static int64_t stat_field(int n) {
    char line[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file) return -1;
    size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = 0;
    const char *at = strrchr(line, ')');
    for (int field = 2; at && field < n; field++) at = strchr(at + 1, ' ');
    int64_t number;
    return at && sscanf(at, " %" SCNd64, &number) == 1 ? number : -1;
}

/* Seconds since 1970 when the machine was started. */
static int64_t boot_seconds(void) {
    char line[256];
    int64_t seconds = -1;
    FILE *file = fopen("/proc/stat", "re");
    while (file && seconds < 0 && fgets(line, sizeof line, file)) sscanf(line, "btime %" SCNd64, &seconds);
    if (file) fclose(file);
    return seconds;
}

static int64_t start_hundredths(void) {
    int64_t ticks = stat_field(22), boot = boot_seconds(), hertz = sysconf(_SC_CLK_TCK);
    return ticks < 0 || boot < 0 ? -1 : boot * 100 + ticks * 100 / hertz;
}

static int64_t cpu_hundredths(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return -1;
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 100 + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 10000;
}

static int64_t resident_bytes(void) {
    int64_t pages = stat_field(24);
    return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}

static int64_t open_files(void) {
    DIR *directory = opendir("/proc/self/fd");
    if (!directory) return -1;
    int64_t count = -3; /* ., .., and the directory itself */
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

static int64_t files_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= INT64_MAX ? (int64_t)limit.rlim_cur : -1;
}

static int64_t threads(void) { return stat_field(20); }

static const struct {
    const char *name, *kind, *help;
    int64_t (*read)(void);
    bool hundredths;
} rows[] = {
    {"process_cpu_seconds_total", "counter", "CPU time used, in seconds.", cpu_hundredths, true},
    {"process_resident_memory_bytes", "gauge", "Resident memory, mapped pages of the state included.", resident_bytes, false},
    {"process_start_time_seconds", "gauge", "When the process was started, in seconds since 1970.", start_hundredths, true},
    {"process_open_fds", "gauge", "Open files.", open_files, false},
    {"process_max_fds", "gauge", "Open files allowed.", files_limit, false},
    {"process_threads", "gauge", "Threads.", threads, false},
};
#define ROWS (sizeof rows / sizeof *rows)

#define BUILD_NAME "ringback_build_info"
#define BUILD_HELP "1; the version and the newest rules that this build knows."

void metrics_process_write(FILE *out) {
    fprintf(out, "# HELP " BUILD_NAME " " BUILD_HELP "\n# TYPE " BUILD_NAME " gauge\n" BUILD_NAME "{version=\"%s\",rules=\"%d\"} 1\n",
            RINGBACK_VERSION, FOLD_RULES_VERSION);
    for (size_t i = 0; i < ROWS; i++) {
        int64_t value = rows[i].read();
        if (value < 0) continue;
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s ", rows[i].name, rows[i].help, rows[i].name, rows[i].kind, rows[i].name);
        if (rows[i].hundredths)
            fprintf(out, "%" PRId64 ".%02" PRId64 "\n", value / 100, value % 100);
        else
            fprintf(out, "%" PRId64 "\n", value);
    }
}

void metrics_process_page(FILE *out) {
    fprintf(out, "| `" BUILD_NAME "` | gauge | version, rules | " BUILD_HELP " |\n");
    for (size_t i = 0; i < ROWS; i++) fprintf(out, "| `%s` | %s |  | %s |\n", rows[i].name, rows[i].kind, rows[i].help);
}
