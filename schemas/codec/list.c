#include "codec.h"

#include "bytes.h"

_Static_assert(CODEC_LIST_HEAD_MAX == LONG_BYTES_MAX, "a list begins with a long");

size_t codec_write_list_head(int64_t count, uint8_t head[CODEC_LIST_HEAD_MAX]) { return (size_t)(write_long(head, count) - head); }

int codec_read_list(struct str *bytes, int64_t *count) {
    const uint8_t *begin = (const uint8_t *)bytes->ptr, *end = begin + bytes->len, *at = read_long(begin, end, count);
    if (!at || *count <= 0 || at == end || end[-1] != CODEC_LIST_END) return -1;
    *bytes = (struct str){(const char *)at, (uint32_t)(end - 1 - at)};
    return 0;
}
