#include "fold_summary.h"

#include <inttypes.h>
#include <time.h>

#include "data_dir.h"
#include "progress.h"

static uint64_t rejected_for(const struct fold_result *result, int reason) {
    return result->after.rejected[reason] - result->before.rejected[reason];
}

uint64_t fold_rejected(const struct fold_result *result) {
    uint64_t sum = 0;
    for (int reason = 0; reason < REJECT_REASONS; reason++) sum += rejected_for(result, reason);
    return sum;
}

static void print_records(FILE *out, const struct fold_result *result, const char *data) {
    char text[32];
    fprintf(out, "records read         %s", grouped(result->records, text));
    if (result->records && result->elapsed_ms > 0)
        fprintf(out, " in %.1f s, %s a second", (double)result->elapsed_ms / 1000,
                grouped(result->records * 1000 / (uint64_t)result->elapsed_ms, text));
    fprintf(out, "\n  duplicates         %s\n", grouped(result->after.duplicates - result->before.duplicates, text));
    fprintf(out, "  rejected           %s", grouped(fold_rejected(result), text));
    const char *before = ": ";
    for (int reason = 0; reason < REJECT_REASONS; reason++) {
        if (!rejected_for(result, reason)) continue;
        fprintf(out, "%s%s %s", before, symbol_text("RejectReason", reason), grouped(rejected_for(result, reason), text));
        before = ", ";
    }
    fputc('\n', out);
    if (fold_rejected(result)) fprintf(out, "    see them with    ringback dump %s/outputs/%s\n", data, topic_file_name(TOPIC_REJECTED));
    if (result->unreadable) fprintf(out, "files not read       %zu\n", result->unreadable);
}

/* SPEC 2: calls started = the sum over types + calls in progress. */
static void print_calls(FILE *out, const struct fold_counts *counts) {
    char text[32];
    uint64_t sum = counts->in_progress;
    fprintf(out, "calls started        %s\n", grouped(counts->started, text));
    fprintf(out, "  in progress        %s\n", grouped(counts->in_progress, text));
    for (int type = 0; type < CALL_TYPES; type++) {
        if (type == TYPE_IN_PROGRESS) continue;
        sum += counts->types[type];
        if (counts->types[type]) fprintf(out, "  %-18s %s\n", symbol_text("CallType", type), grouped(counts->types[type], text));
    }
    if (sum == counts->started)
        fprintf(out, "  balance            %s = %s\n", grouped(sum, text), grouped(counts->started, (char[32]){0}));
    else
        fprintf(out, "  DOES NOT BALANCE: in progress and types sum to %s\n", grouped(sum, text));
}

static void print_rows(FILE *out, const struct fold_counts *counts) {
    static const char *const kinds[] = {[KIND_ABANDONED] = "abandoned", [KIND_SECOND_CHANCE] = "second chance"};
    fprintf(out, "rows             %12s %12s %12s\n", "open", "cold", "done");
    for (int kind = 0; kind < 2; kind++) {
        fprintf(out, "  %-15s", kinds[kind]);
        for (int tab = 0; tab < 3; tab++) {
            char text[32];
            fprintf(out, "%13s", grouped(counts->rows[kind][tab], text));
        }
        fputc('\n', out);
    }
}

static void print_clock(FILE *out, const struct fold_result *result) {
    time_t seconds = (time_t)(result->after.stream_time / 1000);
    struct tm utc;
    if (result->after.stream_time == NONE || !gmtime_r(&seconds, &utc))
        fputs("stream time          none yet\n", out);
    else {
        char text[64];
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
        fprintf(out, "stream time          %s.%03dZ\n", text, (int)(result->after.stream_time % 1000));
    }
    if (result->sequence < 0)
        fputs("seal                 none yet\n", out);
    else
        fprintf(out, "seal                 %" PRId64 " of journal %s\n", result->sequence, result->journal_id);
}

void fold_summary(FILE *out, const struct fold_result *result, const char *data) {
    print_records(out, result, data);
    print_calls(out, &result->counts);
    print_rows(out, &result->counts);
    print_clock(out, result);
}
