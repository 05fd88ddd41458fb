#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int fail(struct failure *failure, enum exit_code code, const char *format, ...) {
    if (failure->code != EXIT_DONE) return -1;
    failure->code = code;
    va_list values;
    va_start(values, format);
    vsnprintf(failure->text, sizeof failure->text, format, values);
    va_end(values);
    return -1;
}

static const char *advice(int cause) {
    switch (cause) {
    case ENOSPC:
    case EDQUOT: return " Make room and run the same command again: it goes on where the last seal stands.";
    case EFBIG: return " Raise the file size limit (ulimit -f) and run the same command again: it goes on where the last seal stands.";
    case EROFS: return " The file system is read-only: give a directory on another with --data, or mount it for writing.";
    case EACCES:
    case EPERM: return " Run as the user who owns it, or change its permissions.";
    case EMFILE:
    case ENFILE: return " Raise the limit of open files (ulimit -n), or give fewer files at a time.";
    case EIO: return " The disk has failed to read or write: look at the kernel's log before running again.";
    default: return "";
    }
}

int fail_errno(struct failure *failure, const char *doing, const char *path) {
    int cause = errno;
    bool again = cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
    if (failure->code == EXIT_DONE) failure->of_disk = cause == ENOSPC || cause == EDQUOT || cause == EIO || cause == EROFS;
    return fail(failure, again ? EXIT_AGAIN : EXIT_FAILED, "cannot %s %s: %s.%s", doing, path, strerror(cause), advice(cause));
}

int fail_memory(struct failure *failure) {
    return fail(failure, EXIT_AGAIN, "out of memory. Nothing is lost: run the same command again when there is more.");
}

int fail_store(struct failure *failure, int code, const char *where, const char *text) {
    enum exit_code exit_code = EXIT_FAILED;
    if (code == STORE_ERROR_BUSY || code == STORE_ERROR_FULL || code == STORE_ERROR_MEMORY) exit_code = EXIT_AGAIN;
    if (code == STORE_ERROR_FORMAT) exit_code = EXIT_CONFIGURATION;
    if (failure->code == EXIT_DONE) failure->of_disk = code == STORE_ERROR_FULL || code == STORE_ERROR_IO;
    if (code == STORE_RETRY && failure->code == EXIT_DONE) {
        exit_code = EXIT_AGAIN;
        failure->retry = true;
    }
    return fail(failure, exit_code, "%s: %s.%s", where, text, code == STORE_ERROR_FULL ? advice(ENOSPC) : "");
}
