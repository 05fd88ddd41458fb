package ringback.peers;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DatumWriter;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumWriter;

/** Writes rows as Avro single objects, as ringback does. One writer a thread. */
public final class RowWriter {
    private final byte[] framing = EventReader.framing(RowChanged.getClassSchema());
    private final DatumWriter<RowChanged> writer = new SpecificDatumWriter<>(RowChanged.class);
    private final ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    private BinaryEncoder encoder;

    public byte[] key(RowChanged row) {
        return (row.getTenant() + "/" + row.getFollowUp()).getBytes(StandardCharsets.UTF_8);
    }

    public byte[] value(RowChanged row) {
        out.reset();
        out.writeBytes(framing);
        encoder = EncoderFactory.get().directBinaryEncoder(out, encoder);
        try {
            writer.write(row, encoder);
        } catch (IOException why) {
            throw new UncheckedIOException(why);
        }
        return out.toByteArray();
    }
}
