package ringback.peers;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** What state and messages are written to and read from: variable-length integers, texts with their lengths. */
public final class Bytes {
    private byte[] bytes;
    private int place;

    public Bytes(int capacity) {
        bytes = new byte[capacity];
    }

    public Bytes(byte[] read) {
        bytes = read;
    }

    /** To be written again from its beginning. */
    public Bytes clear() {
        place = 0;
        return this;
    }

    public byte[] array() {
        return bytes;
    }

    public int size() {
        return place;
    }

    public byte[] copy() {
        return Arrays.copyOf(bytes, place);
    }

    private void room(int more) {
        if (place + more > bytes.length) bytes = Arrays.copyOf(bytes, Math.max(place + more, 2 * bytes.length));
    }

    public void put(int value) {
        room(1);
        bytes[place++] = (byte) value;
    }

    /** At most ten bytes, one for -64 to 63. */
    public void putNumber(long value) {
        room(10);
        long rest = value << 1 ^ value >> 63;
        for (; (rest & ~0x7fL) != 0; rest >>>= 7) bytes[place++] = (byte) (rest | 0x80);
        bytes[place++] = (byte) rest;
    }

    /** Eight bytes, for what is random. */
    public void putFixed(long value) {
        room(8);
        for (int shift = 0; shift < 64; shift += 8) bytes[place++] = (byte) (value >>> shift);
    }

    /** Null is not the empty text. */
    public void putText(String text) {
        if (text == null) {
            putNumber(-1);
            return;
        }
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        putNumber(utf8.length);
        room(utf8.length);
        System.arraycopy(utf8, 0, bytes, place, utf8.length);
        place += utf8.length;
    }

    public byte get() {
        return bytes[place++];
    }

    public long getNumber() {
        long value = 0;
        int shift = 0;
        byte part;
        do {
            part = bytes[place++];
            value |= (part & 0x7fL) << shift;
            shift += 7;
        } while (part < 0);
        return value >>> 1 ^ -(value & 1);
    }

    public long getFixed() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 8) value |= (bytes[place++] & 0xffL) << shift;
        return value;
    }

    public String getText() {
        int length = (int) getNumber();
        if (length < 0) return null;
        String text = new String(bytes, place, length, StandardCharsets.UTF_8);
        place += length;
        return text;
    }
}
