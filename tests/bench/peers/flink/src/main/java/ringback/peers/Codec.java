package ringback.peers;

import java.io.IOException;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** How Flink writes what the rules keep and send: a length, then what their own `write` gives. */
final class Codec<T> extends TypeSerializer<T> {
    enum Kind {
        INPUT(Input.class, Input::read, Input::write, null),
        NEWS(News.class, News::read, News::write, null),
        SUBJECT(Subject.class, Subject::read, Subject::write, Subject::copy),
        PARTY(Party.class, Party::read, Party::write, null);

        private final Class<?> type;
        private final Function<Bytes, Object> read;
        private final BiConsumer<Object, Bytes> write;
        private final Function<Object, Object> copy; // null: by writing and reading it

        @SuppressWarnings("unchecked") // a codec is made for its kind's type only
        <V> Kind(Class<V> type, Function<Bytes, V> read, BiConsumer<V, Bytes> write, Function<V, V> copy) {
            this.type = type;
            this.read = (Function<Bytes, Object>) (Function<Bytes, ?>) read;
            this.write = (BiConsumer<Object, Bytes>) (BiConsumer<?, Bytes>) write;
            this.copy = (Function<Object, Object>) (Function<?, ?>) copy;
        }
    }

    private static final ThreadLocal<Bytes> ROOM = ThreadLocal.withInitial(() -> new Bytes(1024));

    private final Kind kind;

    private Codec(Kind kind) {
        this.kind = kind;
    }

    static Codec<Subject> ofSubject() {
        return new Codec<>(Kind.SUBJECT);
    }

    static Codec<Party> ofParty() {
        return new Codec<>(Kind.PARTY);
    }

    static TypeInformation<Input> typeOfInput() {
        return new Type<>(Kind.INPUT);
    }

    static TypeInformation<News> typeOfNews() {
        return new Type<>(Kind.NEWS);
    }

    @SuppressWarnings("unchecked")
    private T read(Bytes bytes) {
        return (T) kind.read.apply(bytes);
    }

    @Override
    public void serialize(T value, DataOutputView out) throws IOException {
        Bytes bytes = ROOM.get().clear();
        kind.write.accept(value, bytes);
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
    @SuppressWarnings("unchecked")
    public T copy(T value) {
        if (kind.copy != null) return (T) kind.copy.apply(value);
        Bytes bytes = ROOM.get().clear();
        kind.write.accept(value, bytes);
        return read(new Bytes(bytes.array()));
    }

    @Override
    public T copy(T value, T reuse) {
        return copy(value);
    }

    @Override
    public TypeSerializer<T> duplicate() {
        return this;
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

    @Override
    public boolean equals(Object other) {
        return other instanceof Codec<?> that && kind == that.kind;
    }

    @Override
    public int hashCode() {
        return kind.hashCode();
    }

    @Override
    public TypeSerializerSnapshot<T> snapshotConfiguration() {
        Snapshot<T> snapshot = new Snapshot<>();
        snapshot.kind = kind;
        return snapshot;
    }

    /** What a checkpoint keeps of a codec: its kind. */
    public static final class Snapshot<T> implements TypeSerializerSnapshot<T> {
        private Kind kind;

        @Override
        public int getCurrentVersion() {
            return 1;
        }

        @Override
        public void writeSnapshot(DataOutputView out) throws IOException {
            out.writeUTF(kind.name());
        }

        @Override
        public void readSnapshot(int version, DataInputView in, ClassLoader loader) throws IOException {
            kind = Kind.valueOf(in.readUTF());
        }

        @Override
        public TypeSerializer<T> restoreSerializer() {
            return new Codec<>(kind);
        }

        @Override
        public TypeSerializerSchemaCompatibility<T> resolveSchemaCompatibility(TypeSerializerSnapshot<T> before) {
            return TypeSerializerSchemaCompatibility.compatibleAsIs();
        }
    }

    private static final class Type<T> extends TypeInformation<T> {
        private final Kind kind;

        Type(Kind kind) {
            this.kind = kind;
        }

        @Override
        public TypeSerializer<T> createSerializer(SerializerConfig config) {
            return new Codec<>(kind);
        }

        @Override
        @SuppressWarnings("unchecked")
        public Class<T> getTypeClass() {
            return (Class<T>) kind.type;
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
            return other instanceof Type<?> that && kind == that.kind;
        }

        @Override
        public int hashCode() {
            return kind.hashCode();
        }

        @Override
        public String toString() {
            return kind.name();
        }
    }
}
