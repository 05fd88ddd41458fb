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

/* True where `least` <= value <= `most`. NONE is an open end; a value that is NONE, not known, needs both open. */
bool number_within(int64_t value, int64_t least, int64_t most);
/* False: complained that a duration asked for at least (--age-min, --duration-min) is longer than that asked for at most. */
bool durations_fit(const struct arguments *arguments);
/* True where bit `place` is in the set, or the set is empty: nothing was asked for. */
static inline bool choice_in(unsigned long long set, int place) { return set == 0 || (set >> place & 1); }
static inline struct str first_known(struct str a, struct str b) { return a.len ? a : b; }
/* True where the notes of a row, or those of its call, hold the text. */
bool notes_have(const struct followup *row, const char *text);
/* SPEC 4 names two statuses of a second chance in words of their own; NULL for the others. */
const char *status_words(int8_t status);
/* ms: how long the stream time stands behind the end of the row's call; NONE where either is not known. It stands behind the calls by the
 * lateness: what ended since then is new, not unborn. */
int64_t age_at(int64_t stream_time, int64_t call_ended_at);

/* The rows that two commands have alike. */
#define OPTION_DATA                                                                                                                        \
    { "data", 'd', OPTION_DIRECTORY, "DIR", NULL, true, false, "The data directory that ringback fold writes" }
#define OPTION_FORMAT                                                                                                                      \
    { "format", 'f', OPTION_CHOICE, PRINT_FORMATS, "table", false, false, "How to print: for people, one JSON object a line, or RFC 4180" }
#define CALL_TYPE_CHOICES                                                                                                                  \
    "internal|booked|excused|not-a-lead|lost|unbooked|voice-agent|voicemail|forwarded|callback-requested|disconnected|abandoned|missed|"   \
    "outbound|in-progress" /* the order of enum call_type */

#define TAB_CHOICES "open|cold|done|withdrawn" /* the order of enum tab; withdrawn rows are in none */
#define KIND_CHOICES "abandoned|second-chance" /* the order of enum followup_kind */
#define STATUS_CHOICES                                                                                                                     \
    "new|contact-attempted|follow-up-needed|resolved|dismissed|not-a-lead|not-following-up|withdrawn" /* of enum status */

#endif
