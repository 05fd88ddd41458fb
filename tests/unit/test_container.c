/* Container files: ours read by Avro C, Avro C's read by us, and every kind of damage. */
#include "codec_samples.h"
#include <avro.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include "../../schemas/codec/container.h"

static const uint8_t sync_marker[16] = "sixteen bytes...";
static struct scratch scratch;

/* A file in memory. */
struct file {
    uint8_t *bytes;
    size_t size;
};

static struct sample sample;

static void add(struct file *file, const void *bytes, size_t size) {
    file->bytes = realloc(file->bytes, file->size + size);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static void add_block(struct file *file, int64_t count, const void *data, size_t size) {
    uint8_t head[20];
    add(file, head, container_block_head(count, size, head));
    add(file, data, size);
    add(file, sync_marker, sizeof sync_marker);
}

static struct file new_file(void) {
    static uint8_t header[64 * 1024];
    size_t size = container_header(schema_text("Event"), sync_marker, header, sizeof header);
    assert_true(size <= sizeof header);
    assert_int_equal(container_header(schema_text("Event"), sync_marker, header, size - 1), size);
    struct file file = {NULL, 0};
    add(&file, header, size);
    return file;
}

/* `count` events of type 0, 1, 2 ... as one block's data. */
static struct file events(int count) {
    static uint8_t room[64 * 1024];
    struct file data = {NULL, 0};
    for (int i = 0; i < count; i++) {
        sample_event(&sample, i % EVENT_TYPES, (uint64_t)i);
        add(&data, room, codec_write(&shape_event, &sample.record.event, room, sizeof room));
    }
    return data;
}

static struct file file_of_blocks(int blocks, size_t starts[]) {
    struct file file = new_file(), data = events(EVENT_TYPES);
    for (int i = 0; i < blocks; i++) {
        starts[i] = file.size;
        add_block(&file, EVENT_TYPES, data.bytes, data.size);
    }
    free(data.bytes);
    return file;
}

static struct container_reader open_file(struct file file) {
    struct container_reader reader;
    char error[200];
    if (container_open(&reader, file.bytes, file.size, error, sizeof error) != 0) fail_msg("%s", error);
    return reader;
}

/* Reads the events of a block, which must be those of events(). */
static int read_events(struct str block, int64_t count, const struct plan *plan, int first) {
    const uint8_t *at = (const uint8_t *)block.ptr, *end = at + block.len;
    for (int64_t i = 0; i < count; i++) {
        struct event event;
        struct refusal why;
        int64_t size = codec_read(plan, at, (size_t)(end - at), &event, &scratch, &why);
        if (size < 0) fail_msg("%s", why.detail);
        sample_event(&sample, (first + (int)i) % EVENT_TYPES, (uint64_t)(first + (int)i));
        assert_true(sample_same(&shape_event, (const uint8_t *)&event, (const uint8_t *)&sample.record));
        at += size;
    }
    assert_ptr_equal(at, end);
    return first + (int)count;
}

static void test_own_round_trip(void **state) {
    (void)state;
    size_t starts[3];
    struct file file = file_of_blocks(3, starts);
    struct container_reader reader = open_file(file);
    assert_int_equal(reader.schema.len, strlen(schema_text("Event")));
    assert_int_equal(reader.at, starts[0]);
    struct str block;
    int64_t count;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(container_next(&reader, &block, &count), CONTAINER_BLOCK);
        read_events(block, count, sample_own_plan(&shape_event), 0);
        assert_int_equal(reader.at, i < 2 ? starts[i + 1] : file.size);
    }
    assert_int_equal(container_next(&reader, &block, &count), CONTAINER_END);
    container_seek(&reader, starts[2]);
    assert_int_equal(container_next(&reader, &block, &count), CONTAINER_BLOCK);
    assert_int_equal(container_next(&reader, &block, &count), CONTAINER_END);
    container_close(&reader);
    free(file.bytes);
}

static char path[] = "/tmp/ringback-container-XXXXXX";

static int make_path(void **state) {
    int fd = mkstemp(path);
    if (fd >= 0) close(fd);
    return fd >= 0 ? samples_load(state) : -1;
}

static int remove_path(void **state) {
    (void)state;
    return unlink(path);
}

static void test_avro_c_reads_ours(void **state) {
    (void)state;
    size_t starts[2];
    struct file file = file_of_blocks(2, starts);
    FILE *out = fopen(path, "wb");
    assert_int_equal(fwrite(file.bytes, 1, file.size, out), file.size);
    fclose(out);
    avro_file_reader_t reader;
    assert_int_equal(avro_file_reader(path, &reader), 0);
    avro_schema_t schema = avro_file_reader_get_writer_schema(reader);
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_value_t value, body;
    avro_generic_value_new(class, &value);
    int count = 0, branch;
    while (avro_file_reader_read_value(reader, &value) == 0) {
        assert_int_equal(avro_value_get_by_name(&value, "body", &body, NULL), 0);
        assert_int_equal(avro_value_get_discriminant(&body, &branch), 0);
        assert_int_equal(branch, count++ % EVENT_TYPES);
        avro_value_reset(&value);
    }
    assert_int_equal(count, 2 * EVENT_TYPES);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    avro_file_reader_close(reader);
    free(file.bytes);
}

static struct file load(void) {
    struct file file = {NULL, 0};
    uint8_t part[4096];
    FILE *in = fopen(path, "rb");
    for (size_t size; (size = fread(part, 1, sizeof part, in)) > 0;) add(&file, part, size);
    fclose(in);
    return file;
}

/* Avro C copies our events, one by one, into a file of its own. */
static void check_avro_c_writes(const char *codec) {
    enum { COUNT_OF_EVENTS = 500 };
    unlink(path);
    avro_schema_t schema;
    assert_int_equal(avro_schema_from_json_length(schema_text("Event"), strlen(schema_text("Event")), &schema), 0);
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_value_t value;
    avro_generic_value_new(class, &value);
    avro_file_writer_t writer;
    assert_int_equal(avro_file_writer_create_with_codec(path, schema, &writer, codec, 8192), 0);
    struct file data = events(COUNT_OF_EVENTS);
    avro_reader_t bytes = avro_reader_memory((const char *)data.bytes, (int64_t)data.size);
    for (int i = 0; i < COUNT_OF_EVENTS; i++) {
        assert_int_equal(avro_value_read(bytes, &value), 0);
        assert_int_equal(avro_file_writer_append_value(writer, &value), 0);
        avro_value_reset(&value);
    }
    avro_file_writer_close(writer);
    avro_reader_free(bytes);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    free(data.bytes);

    struct file file = load();
    struct container_reader reader = open_file(file);
    char error[200];
    struct plan *plan;
    if (plan_make(&plan, reader.schema.ptr, reader.schema.len, &shape_event, error, sizeof error) != 0) fail_msg("%s", error);
    struct str block;
    int64_t count;
    int blocks = 0, read = 0;
    for (; container_next(&reader, &block, &count) == CONTAINER_BLOCK; blocks++) read = read_events(block, count, plan, read);
    assert_true(blocks > 1);
    assert_int_equal(read, COUNT_OF_EVENTS);
    assert_int_equal(container_next(&reader, &block, &count), CONTAINER_END);
    assert_int_equal(reader.deflate, strcmp(codec, "deflate") == 0);
    plan_free(plan);
    container_close(&reader);
    free(file.bytes);
}

static void test_avro_c_writes(void **state) {
    (void)state;
    check_avro_c_writes("null");
    check_avro_c_writes("deflate");
}

/* Cut at every byte of its last block the file is torn there, never damaged. */
static void test_torn(void **state) {
    (void)state;
    size_t starts[2];
    struct file file = file_of_blocks(2, starts);
    for (size_t size = starts[1]; size < file.size; size++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, file.bytes, size);
        struct container_reader reader = open_file((struct file){copy, size});
        struct str block;
        int64_t count;
        assert_int_equal(container_next(&reader, &block, &count), CONTAINER_BLOCK);
        assert_int_equal(container_next(&reader, &block, &count), size == starts[1] ? CONTAINER_END : CONTAINER_TORN);
        assert_int_equal(reader.at, starts[1]);
        container_close(&reader);
        free(copy);
    }
    free(file.bytes);
}

static void test_header_cut_off(void **state) {
    (void)state;
    struct file file = new_file();
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, file.bytes, size);
        struct container_reader reader;
        char error[200] = "";
        assert_int_equal(container_open(&reader, copy, size, error, sizeof error), -1);
        assert_string_equal(error, size < 4 ? "not an Avro container file" : "its header is cut off, damaged or larger than 2 MiB");
        free(copy);
    }
    free(file.bytes);
}

#define REFUSED_HEADER(literal, expected)                                                                                                  \
    do {                                                                                                                                   \
        struct container_reader reader;                                                                                                    \
        char error[200];                                                                                                                   \
        assert_int_equal(container_open(&reader, (const uint8_t *)literal, sizeof(literal) - 1, error, sizeof error), -1);                 \
        assert_string_equal(error, expected);                                                                                              \
    } while (0)

static void test_headers(void **state) {
    (void)state;
    static const char damaged[] = "its header is cut off, damaged or larger than 2 MiB";
    REFUSED_HEADER("Obj\x02\x00"
                   "0123456789abcdef",
                   "not an Avro container file");
    REFUSED_HEADER("Obj\x01\x00"
                   "0123456789abcdef",
                   "its header has no avro.schema");
    REFUSED_HEADER("Obj\x01\x02\x16"
                   "avro.schema\x04{}\x00"
                   "0123456789abcde",
                   damaged);
    REFUSED_HEADER("Obj\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"
                   "0123456789abcdef",
                   damaged); /* INT64_MIN entries */
    REFUSED_HEADER("Obj\x01\x02\x80\x80\x80\x80\x80\x01"
                   "0123456789abcdef",
                   damaged);
    REFUSED_HEADER("Obj\x01\x02\x01"
                   "0123456789abcdef",
                   damaged);
    REFUSED_HEADER("Obj\x01\x04\x16"
                   "avro.schema\x04{}\x14"
                   "avro.codec\x0csnappy\x00"
                   "0123456789abcdef",
                   "its codec is neither null nor deflate");
    struct container_reader reader; /* entries in a block that says its size */
    static const char sized[] = "Obj\x01\x01\x1e\x16"
                                "avro.schema\x04{}\x00"
                                "0123456789abcdef";
    char error[200];
    assert_int_equal(container_open(&reader, (const uint8_t *)sized, sizeof sized - 1, error, sizeof error), 0);
    assert_true(str_equal(reader.schema, STR("{}")));
    assert_int_equal(reader.at, reader.size);
}

/* A damaged block is told, skipped to the next marker, and the rest is read. */
static void test_damage_and_skip(void **state) {
    (void)state;
    size_t starts[3];
    struct file file = file_of_blocks(3, starts);
    uint8_t *copy = malloc(file.size);
    const size_t damaged_at[] = {starts[2] - 1, starts[2] - 16, starts[1] + 1};
    for (size_t i = 0; i < COUNT(damaged_at); i++) {
        memcpy(copy, file.bytes, file.size);
        copy[damaged_at[i]] ^= 0x11;
        struct container_reader reader = open_file((struct file){copy, file.size});
        struct str block;
        int64_t count;
        assert_int_equal(container_next(&reader, &block, &count), CONTAINER_BLOCK);
        assert_int_equal(container_next(&reader, &block, &count), CONTAINER_DAMAGED);
        assert_int_equal(reader.at, starts[1]);
        bool marker_gone = damaged_at[i] > starts[1] + 1;
        assert_int_equal(container_skip(&reader), (marker_gone ? file.size : starts[2]) - starts[1]);
        assert_int_equal(container_next(&reader, &block, &count), marker_gone ? CONTAINER_END : CONTAINER_BLOCK);
        container_seek(&reader, starts[2] - 15); /* no marker in sight but the last */
        assert_int_equal(container_skip(&reader), file.size - starts[2] + 15);
        assert_int_equal(container_skip(&reader), 0);
        container_close(&reader);
    }
    free(copy);
    free(file.bytes);
}

static void expect_damage(struct file file) {
    struct container_reader reader = open_file(file);
    struct str block;
    int64_t count;
    assert_int_equal(container_next(&reader, &block, &count), CONTAINER_DAMAGED);
    container_close(&reader);
    free(file.bytes);
}

static void test_lying_blocks(void **state) {
    (void)state;
    static const char *const heads[] = {"\x01\x02",
                                        "\x02\x01",
                                        "\x04\x02",
                                        "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                                        "\x02\x82\x80\x80\x40",
                                        "\x02\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"};
    for (size_t i = 0; i < COUNT(heads); i++) { /* counts and sizes below zero, more records than bytes, 64 MiB + 1, no number */
        struct file file = new_file();
        add(&file, heads[i], strlen(heads[i]));
        add(&file, "x", 1);
        add(&file, sync_marker, sizeof sync_marker);
        expect_damage(file);
    }
    struct file file = new_file(); /* nothing at all is a fine block */
    add_block(&file, 0, "", 0);
    struct container_reader reader = open_file(file);
    struct str block;
    int64_t count;
    assert_int_equal(container_next(&reader, &block, &count), CONTAINER_BLOCK);
    assert_int_equal(count + block.len, 0);
    container_close(&reader);
    free(file.bytes);
}

static struct file deflated_file(const void *data, size_t size, size_t cut, size_t extra) {
    static const char header[] = "Obj\x01\x04\x16"
                                 "avro.schema\x04{}\x14"
                                 "avro.codec\x0e"
                                 "deflate\x00";
    struct file file = {NULL, 0};
    add(&file, header, sizeof header - 1);
    add(&file, sync_marker, sizeof sync_marker);
    uint8_t *packed = calloc(1, size + 1024);
    z_stream stream = {
        .next_in = (Bytef *)(uintptr_t)data, .avail_in = (unsigned)size, .next_out = packed, .avail_out = (unsigned)size + 1024};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    add_block(&file, 1, packed, stream.total_out - cut + extra);
    free(packed);
    return file;
}

/* What inflates to more than 64 MiB, stops early, or goes on after its end is damage. */
static void test_deflate_damage(void **state) {
    (void)state;
    size_t large = 64 * 1024 * 1024 + 1;
    uint8_t *zeros = calloc(1, large);
    expect_damage(deflated_file(zeros, large, 0, 0));
    struct file file = deflated_file(zeros, large - 1, 0, 0);
    struct container_reader reader = open_file(file);
    struct str block;
    int64_t count;
    assert_int_equal(container_next(&reader, &block, &count), CONTAINER_BLOCK);
    assert_int_equal(block.len, large - 1);
    container_close(&reader);
    free(file.bytes);
    free(zeros);
    expect_damage(deflated_file("some bytes of a block", 21, 3, 0));
    expect_damage(deflated_file("some bytes of a block", 21, 0, 2));
}

/* Any one flipped bit is a verdict or other bytes, never a crash. */
static void test_bit_flips(void **state) {
    (void)state;
    struct file file = deflated_file("the quick brown fox jumps over the lazy dog", 43, 0, 0);
    struct container_reader reader = open_file(file);
    size_t first_block = reader.at;
    container_close(&reader);
    uint8_t *copy = malloc(file.size);
    for (size_t bit = 0; bit < file.size * 8; bit++) {
        memcpy(copy, file.bytes, file.size);
        copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        char error[200];
        if (container_open(&reader, copy, file.size, error, sizeof error) != 0) continue;
        container_seek(&reader, first_block);
        struct str block;
        int64_t count;
        enum container_result result = container_next(&reader, &block, &count);
        assert_true(result != CONTAINER_END && reader.at <= reader.size);
        if (result == CONTAINER_DAMAGED) container_skip(&reader);
        assert_true(reader.at <= reader.size);
        container_close(&reader);
    }
    free(copy);
    free(file.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_round_trip),  cmocka_unit_test(test_avro_c_reads_ours),
        cmocka_unit_test(test_avro_c_writes),   cmocka_unit_test(test_torn),
        cmocka_unit_test(test_header_cut_off),  cmocka_unit_test(test_headers),
        cmocka_unit_test(test_damage_and_skip), cmocka_unit_test(test_lying_blocks),
        cmocka_unit_test(test_deflate_damage),  cmocka_unit_test(test_bit_flips),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
