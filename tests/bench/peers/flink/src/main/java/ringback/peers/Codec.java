package ringback.peers;

import java.io.IOException;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** How Flink writes what the rules keep and send: a length, then what their own `write` gives. */
abstract class Codec<T> extends TypeSerializerSingleton<T> {
    private static final ThreadLocal<Bytes> ROOM = ThreadLocal.withInitial(() -> new Bytes(1024));

    abstract void write(T value, Bytes out);

    abstract T read(Bytes in);

    @Override
    public void serialize(T value, DataOutputView out) throws IOException {
        Bytes bytes = ROOM.get().clear();
        write(value, bytes);
        out.writeInt(bytes.size());
        out.write(bytes.array(), 0, bytes.size());
    }

    @Override
    public T deserialize(DataInputView in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return read(new Bytes(bytes));
    }

    @Override
    public T deserialize(T reuse, DataInputView in) throws IOException {
        return deserialize(in);
    }

    @Override
    public void copy(DataInputView from, DataOutputView to) throws IOException {
        int size = from.readInt();
        to.writeInt(size);
        to.write(from, size);
    }

    @Override
    public T copy(T value) {
        Bytes bytes = ROOM.get().clear();
        write(value, bytes);
        return read(new Bytes(bytes.array()));
    }

    @Override
    public T copy(T value, T reuse) {
        return copy(value);
    }

    @Override
    public boolean isImmutableType() {
        return false;
    }

    @Override
    public T createInstance() {
        return null;
    }

    @Override
    public int getLength() {
        return -1;
    }

    /** The type of what a codec writes. */
    static final class Type<T> extends TypeInformation<T> {
        private final Class<T> type;
        private final Codec<T> codec;

        Type(Class<T> type, Codec<T> codec) {
            this.type = type;
            this.codec = codec;
        }

        @Override
        public TypeSerializer<T> createSerializer(SerializerConfig config) {
            return codec;
        }

        @Override
        public Class<T> getTypeClass() {
            return type;
        }

        @Override
        public boolean isBasicType() {
            return false;
        }

        @Override
        public boolean isTupleType() {
            return false;
        }

        @Override
        public boolean isKeyType() {
            return false;
        }

        @Override
        public int getArity() {
            return 1;
        }

        @Override
        public int getTotalFields() {
            return 1;
        }

        @Override
        public boolean canEqual(Object other) {
            return other instanceof Type;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Type<?> that && type == that.type;
        }

        @Override
        public int hashCode() {
            return type.hashCode();
        }

        @Override
        public String toString() {
            return type.getSimpleName();
        }
    }

    static final class OfInput extends Codec<Input> {
        @Override
        void write(Input value, Bytes out) {
            value.write(out);
        }

        @Override
        Input read(Bytes in) {
            return Input.read(in);
        }

        @Override
        public TypeSerializerSnapshot<Input> snapshotConfiguration() {
            return new Snapshot();
        }

        public static final class Snapshot extends SimpleTypeSerializerSnapshot<Input> {
            public Snapshot() {
                super(OfInput::new);
            }
        }
    }

    static final class OfNews extends Codec<News> {
        @Override
        void write(News value, Bytes out) {
            value.write(out);
        }

        @Override
        News read(Bytes in) {
            return News.read(in);
        }

        @Override
        public TypeSerializerSnapshot<News> snapshotConfiguration() {
            return new Snapshot();
        }

        public static final class Snapshot extends SimpleTypeSerializerSnapshot<News> {
            public Snapshot() {
                super(OfNews::new);
            }
        }
    }

    static final class OfSubject extends Codec<Subject> {
        @Override
        void write(Subject value, Bytes out) {
            value.write(out);
        }

        @Override
        Subject read(Bytes in) {
            return Subject.read(in);
        }

        @Override
        public Subject copy(Subject value) {
            return value.copy();
        }

        @Override
        public TypeSerializerSnapshot<Subject> snapshotConfiguration() {
            return new Snapshot();
        }

        public static final class Snapshot extends SimpleTypeSerializerSnapshot<Subject> {
            public Snapshot() {
                super(OfSubject::new);
            }
        }
    }

    static final class OfParty extends Codec<Party> {
        @Override
        void write(Party value, Bytes out) {
            value.write(out);
        }

        @Override
        Party read(Bytes in) {
            return Party.read(in);
        }

        @Override
        public TypeSerializerSnapshot<Party> snapshotConfiguration() {
            return new Snapshot();
        }

        public static final class Snapshot extends SimpleTypeSerializerSnapshot<Party> {
            public Snapshot() {
                super(OfParty::new);
            }
        }
    }
}
