package ringback.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.util.Utf8;
import ringback.Event;

/** Reads Avro single objects of ringback's schema Event. One reader a thread. */
public final class EventReader {
    /** Numbers that stand for "withheld" (the product's rules, section 1). */
    private static final Pattern SENTINEL = Pattern.compile("\\+(266696687|7378742833|86282452253|2562533|8656696)");
    private static final Pattern CALLER = Pattern.compile("\\+[1-9][0-9]{6,14}"), EXTENSION = Pattern.compile("[0-9]{1,6}");
    private static final int FRAMING_BYTES = 10;

    /** What an event of a kind means, and where its fields stand; -1: it has none. */
    private record Kind(byte type, char subject, int id, int number, int name) {}

    private final byte[] framing;
    private final GenericDatumReader<? extends IndexedRecord> reader;
    private final Map<String, Kind> kinds = new HashMap<>();
    private BinaryDecoder decoder;

    /** `generated`: into the classes that Avro makes of the schema, else into generic records. */
    public EventReader(boolean generated) {
        Schema schema = Event.getClassSchema();
        framing = framing(schema);
        reader = generated ? new SpecificDatumReader<>(Event.class) : new GenericDatumReader<IndexedRecord>(schema);
        for (Schema body : schema.getField("body").schema().getTypes()) {
            Kind kind = kind(body);
            if (kind != null) kinds.put(body.getName(), kind);
        }
    }

    /** What stands before a datum of this schema. */
    public static byte[] framing(Schema schema) {
        Bytes bytes = new Bytes(FRAMING_BYTES);
        bytes.put(0xc3);
        bytes.put(1);
        bytes.putFixed(SchemaNormalization.parsingFingerprint64(schema));
        return bytes.copy();
    }

    private static int place(Schema schema, String field) {
        return schema.getField(field) == null ? -1 : schema.getField(field).pos();
    }

    private static Kind kind(Schema body) {
        byte type = switch (body.getName()) {
            case "CallStarted" -> Input.STARTED;
            case "AgentConnected" -> Input.AGENT_UP;
            case "AgentDisconnected" -> Input.AGENT_DOWN;
            case "HoldStarted" -> Input.HOLD_BEGAN;
            case "HoldEnded" -> Input.HOLD_ENDED;
            case "QueueEntered" -> Input.QUEUED;
            case "VoiceAgentConnected" -> Input.VOICE_AGENT;
            case "VoicemailStarted" -> Input.VOICEMAIL;
            case "VoicemailLeft" -> Input.MESSAGE;
            case "Forwarded" -> Input.FORWARDED;
            case "CallEnded" -> Input.ENDED;
            case "CallClassified" -> Input.CLASSIFIED;
            case "JobBooked" -> Input.BOOKED;
            case "JobCancelled" -> Input.CANCELLED;
            default -> Input.OTHER;
        };
        int call = place(body, "call_id"), job = place(body, "job_id");
        if (call < 0 && job < 0) return null;
        String number = type == Input.STARTED ? "from" : "caller";
        String name = type == Input.BOOKED ? "call" : type == Input.CLASSIFIED ? "job" : "leg";
        return new Kind(type, call < 0 ? 'j' : 'c', call < 0 ? job : call, place(body, number), place(body, name));
    }

    /** Null: an event of neither a call nor a job. */
    public Input read(byte[] value) {
        for (int i = 0; i < FRAMING_BYTES; i++)
            if (value[i] != framing[i]) throw new AvroRuntimeException("not a single object of the schema Event");
        decoder = DecoderFactory.get().binaryDecoder(value, FRAMING_BYTES, value.length - FRAMING_BYTES, decoder);
        try {
            return input(reader.read(null, decoder));
        } catch (IOException why) {
            throw new UncheckedIOException(why);
        }
    }

    private Input input(IndexedRecord event) {
        IndexedRecord body = (IndexedRecord) event.get(4);
        Kind kind = kinds.get(body.getSchema().getName());
        if (kind == null) return null;
        Input input = new Input();
        Object at = event.get(2);
        input.type = kind.type;
        input.at = at instanceof Instant moment ? moment.toEpochMilli() : (Long) at;
        input.subject = new StringBuilder(64).append(event.get(0)).append('\t').append(kind.subject).append(body.get(kind.id)).toString();
        identify(input, (Utf8) event.get(1));
        if (kind.name >= 0) input.name = text(body.get(kind.name));
        switch (kind.type) {
            case Input.STARTED -> start(input, body, text(body.get(kind.number)));
            case Input.BOOKED -> input.number = caller(text(body.get(kind.number)));
            case Input.ENDED -> input.noWorkflow = "NO_ACTIVE_WORKFLOW".equals(text(body.get(2)));
            case Input.CLASSIFIED -> {
                input.classification = classification(body.get(2).toString());
                input.noLead = Boolean.FALSE.equals(body.get(4));
            }
            default -> { }
        }
        return input;
    }

    private static void start(Input input, IndexedRecord body, String from) {
        boolean inside = body.get(2).toString().equals("INTERNAL") || from != null && EXTENSION.matcher(from).matches();
        input.inbound = body.get(1).toString().equals("INBOUND") && !inside;
        input.number = caller(from);
    }

    private static byte classification(String symbol) {
        return switch (symbol) {
            case "BOOKED" -> Input.CLASS_BOOKED;
            case "UNBOOKED" -> Input.CLASS_UNBOOKED;
            case "EXCUSED" -> Input.CLASS_EXCUSED;
            default -> Input.CLASS_NOT_A_LEAD;
        };
    }

    private static String text(Object value) {
        return value == null ? null : value.toString();
    }

    private static String caller(String number) {
        boolean is = number != null && CALLER.matcher(number).matches() && !SENTINEL.matcher(number).matches();
        return is ? number : null;
    }

    /** Two hashes of 64 bits, so that an id needs 16 bytes whatever it looks like. */
    private static void identify(Input input, Utf8 id) {
        byte[] bytes = id.getBytes();
        long high = 0x9e3779b97f4a7c15L, low = 0xc2b2ae3d27d4eb4fL;
        for (int i = 0; i < id.getByteLength(); i++) {
            high = (high ^ bytes[i]) * 0x100000001b3L;
            low = (low + bytes[i]) * 0x5851f42d4c957f2dL;
            low ^= low >>> 29;
        }
        input.idHigh = high;
        input.idLow = low;
    }
}
