#include "command.h"

extern const struct command command_fold, command_followups, command_calls, command_report, command_explain, command_command, command_dump, command_schemas,
    command_run, command_check_config, command_topics, command_generate, command_completion, command_man, command_refold, command_verify, command_what_if;

const struct command *const commands[] = {
    &command_fold,     &command_followups,  &command_calls, &command_report, &command_explain, &command_command, &command_dump, &command_schemas,
    &command_run,      &command_check_config, &command_topics, &command_generate, &command_completion, &command_man,   &command_refold,  &command_verify, &command_what_if, NULL,
};
