#include "command.h"

extern const struct command command_fold, command_run, command_followups, command_calls, command_report, command_explain,
    command_what_if, command_verify, command_command, command_dump, command_schemas, command_check_config, command_topics,
    command_audit, command_repair, command_snapshot, command_restore, command_generate, command_completion, command_man,
    command_refold, command_rekey, command_rules;

const struct command *const commands[] = {
    &command_fold, &command_run, &command_rekey, &command_followups, &command_calls, &command_report, &command_explain, &command_what_if,
    &command_verify, &command_command, &command_dump, &command_schemas, &command_check_config, &command_topics, &command_audit,
    &command_repair, &command_snapshot, &command_restore, &command_rules, &command_generate, &command_completion, &command_man,
    &command_refold, NULL,
};
