package ringback.peers;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** Events in, rows out. Timers fire when an event comes that is later: in the order of their times, and before that event. */
final class Rules implements Processor<byte[], byte[], byte[], byte[]> {
    /** `key` is that of a subject or, after it at the same time, of a party. */
    private record Timer(long at, boolean ofParty, String key) implements Comparable<Timer> {
        @Override
        public int compareTo(Timer other) {
            if (at != other.at) return Long.compare(at, other.at);
            return ofParty != other.ofParty ? Boolean.compare(ofParty, other.ofParty) : key.compareTo(other.key);
        }

        String stored() {
            return at + (ofParty ? "p" : "s") + key;
        }

        static Timer of(String stored) {
            int end = 0;
            while (Character.isDigit(stored.charAt(end))) end++;
            return new Timer(Long.parseLong(stored, 0, end, 10), stored.charAt(end) == 'p', stored.substring(end + 1));
        }
    }

    private static final byte[] NOTHING = {};

    private final Settings settings;
    private final EventReader reader;
    private final RowWriter writer = new RowWriter();
    private final boolean idStore;
    private final TreeSet<Timer> timers = new TreeSet<>(); // those of the store, to see the first without asking it
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<String, Subject> subjects;
    private KeyValueStore<String, Party> parties;
    private KeyValueStore<String, byte[]> stored;
    private KeyValueStore<byte[], byte[]> ids;
    private String subject, party; // whose rules run

    Rules(Settings settings, boolean generated, boolean idStore) {
        this.settings = settings;
        this.reader = new EventReader(generated);
        this.idStore = idStore;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        this.context = context;
        subjects = context.getStateStore(StreamsPeer.SUBJECTS);
        parties = context.getStateStore(StreamsPeer.PARTIES);
        stored = context.getStateStore(StreamsPeer.TIMERS);
        if (idStore) ids = context.getStateStore(StreamsPeer.IDS);
        try (KeyValueIterator<String, byte[]> all = stored.all()) {
            while (all.hasNext()) timers.add(Timer.of(all.next().key));
        }
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        Input input = reader.read(record.value());
        if (input == null || idStore && !remember(input)) return;
        while (!timers.isEmpty() && timers.first().at < input.at) fire(timers.pollFirst());
        Subject known = subjects.get(input.subject);
        if (known == null) known = new Subject();
        subject = input.subject;
        if (known.apply(input, settings, subjectShell, !idStore)) subjects.put(input.subject, known);
    }

    private static byte[] idKey(String subject, long high, long low) {
        Bytes key = new Bytes(96);
        key.putText(subject);
        key.putFixed(high);
        key.putFixed(low);
        return key.copy();
    }

    /** False: it was there. */
    private boolean remember(Input input) {
        return ids.putIfAbsent(idKey(input.subject, input.idHigh, input.idLow), NOTHING) == null;
    }

    private void forget(String key) {
        subjects.delete(key);
        if (!idStore) return;
        List<byte[]> old = new ArrayList<>();
        try (KeyValueIterator<byte[], byte[]> all = ids.range(idKey(key, 0, 0), idKey(key, -1, -1))) {
            while (all.hasNext()) old.add(all.next().key);
        }
        old.forEach(ids::delete);
    }

    private void fire(Timer timer) {
        stored.delete(timer.stored());
        if (timer.ofParty) {
            party = timer.key;
            Party known = parties.get(party);
            known.advance(party, timer.at, partyShell);
            parties.put(party, known);
        } else {
            subject = timer.key;
            Subject known = subjects.get(subject);
            if (known == null) return;
            if (known.wake(subject.substring(subject.indexOf('\t') + 2), timer.at, subjectShell))
                forget(subject);
            else
                subjects.put(subject, known);
        }
    }

    private void wake(Timer timer) {
        if (timers.add(timer)) stored.put(timer.stored(), NOTHING);
    }

    private final Subject.Shell subjectShell = new Subject.Shell() {
        @Override
        public void tell(News news) {
            party = news.party;
            Party known = parties.get(party);
            if (known == null) known = new Party();
            known.apply(party, news, partyShell);
            parties.put(party, known);
        }

        @Override
        public void wake(long at) {
            Rules.this.wake(new Timer(at, false, subject));
        }

        @Override
        public void unwake(long at) {
            Timer timer = new Timer(at, false, subject);
            if (timers.remove(timer)) stored.delete(timer.stored());
        }
    };

    private final Party.Shell partyShell = new Party.Shell() {
        @Override
        public void emit(RowChanged row) {
            context.forward(new Record<>(writer.key(row), writer.value(row), row.getChangedAt()));
        }

        @Override
        public void wake(long at) {
            Rules.this.wake(new Timer(at, true, party));
        }
    };
}
