/*
 * view: what the reading commands share: a snapshot of a data directory, and text filters.
 */
#ifndef RINGBACK_VIEW_H
#define RINGBACK_VIEW_H

#include "../processors/fold.h"
#include "command.h"

/* Opens the state of a data directory beside whatever writes it, with a snapshot begun; NULL: complained. */
struct store *view_open(const char *data);
void view_close(struct store *store);
/* Complains of a store error that a view returned. Returns EXIT_FAILED. */
int view_failed(struct store *store);

/* True where the text holds `part`, letters a-z in any case. Null text holds nothing; a NULL part is held by all. */
bool text_has(struct str text, const char *part);

/* The rows that two commands have alike. */
#define OPTION_DATA                                                                                                                        \
    { "data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "The data directory that ringback fold writes" }
#define OPTION_FORMAT                                                                                                                      \
    { "format", 'f', OPTION_CHOICE, PRINT_FORMATS, "table", false, false, "How to print: for people, one JSON object a line, or RFC 4180" }
#define CALL_TYPE_CHOICES                                                                                                                  \
    "internal|booked|excused|not-a-lead|lost|unbooked|voice-agent|voicemail|forwarded|callback-requested|disconnected|abandoned|missed|"   \
    "outbound|in-progress" /* the order of enum call_type */

#endif
