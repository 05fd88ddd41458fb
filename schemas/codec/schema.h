/* schema: our own schemas, composed once from the files in the binary (inside the codec only). */
#ifndef RINGBACK_SCHEMA_H
#define RINGBACK_SCHEMA_H

#include <jansson.h>
#include "shape.h"

/* The default of a record's field; borrowed, valid until schemas_unload. NULL: it has none. */
const json_t *schema_default(const char *record, const char *field);

/* The text of the schema that belongs to a shape; NULL where schemas are not loaded. */
const char *schema_of_shape(const struct shape *shape);

#endif
