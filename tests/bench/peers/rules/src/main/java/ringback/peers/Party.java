package ringback.peers;

import java.util.ArrayList;
import java.util.List;

/** What is known of one caller: the rows, the calls whose after-call work lasts, the jobs and the latest talk. */
public final class Party {
    /** What runs the rules: it emits rows and keeps timers. */
    public interface Shell {
        void emit(RowChanged row);

        /** Calls `advance` of this party when event time has passed `at`. */
        void wake(long at);
    }

    private static final long DAY_MS = 86_400_000, LINK_MS = 14 * DAY_MS, COLD_MS = DAY_MS + 1, NONE = Long.MIN_VALUE;
    /** A job of earlier can neither lie in a call that is still to come to an end nor in its after-call work. */
    private static final long JOB_MS = 2 * DAY_MS;
    private static final byte WAITS = 0, NEW = 1, RECONNECTED = 2, CONVERTED = 3, NOT_A_LEAD = 4;
    private static final String[] OUTCOMES = {null, null, "RECONNECTED", "CONVERTED", "NOT_A_LEAD"};

    /** A row; or, while it WAITS for its check, what may become one. */
    private static final class Row {
        byte state;
        boolean secondChance, cold, coldJudged;
        String call;
        long start, end, openedAt, coldAt; // openedAt: of second chance rows the time of the check
        int attempt, version;
        News said; // while it waits: the latest classification
    }

    private static final class Job {
        String id, call;
        long bookedAt, cancelledAt = NONE;
    }

    private final List<Row> rows = new ArrayList<>(1);
    private final List<Job> jobs = new ArrayList<>(0);
    private final List<News> pending = new ArrayList<>(0);
    private long talkStart = NONE, talkAt = NONE; // of the talk in the call that began last

    /** News whose order among others is not known before event time has passed it. */
    public void await(News news, Shell shell) {
        int place = pending.size();
        while (place > 0 && pending.get(place - 1).compareTo(news) > 0) place--;
        pending.add(place, news);
        shell.wake(news.at);
    }

    /** Event time has passed `now`: takes pending news and deadlines in their order. Of one millisecond, news comes first. */
    public void advance(String key, long now, Shell shell) {
        while (true) {
            Row due = null;
            for (Row row : rows)
                if (deadline(row) <= now && (due == null || deadline(row) < deadline(due))) due = row;
            if (!pending.isEmpty() && pending.get(0).at <= now && (due == null || pending.get(0).at <= deadline(due)))
                apply(key, pending.remove(0), shell);
            else if (due == null)
                return;
            else
                fire(key, due, shell);
        }
    }

    private static long deadline(Row row) {
        return row.state == WAITS ? row.openedAt : row.coldJudged ? Long.MAX_VALUE : row.coldAt;
    }

    /** Takes in news; deadlines before it have been fired. */
    public void apply(String key, News news, Shell shell) {
        switch (news.type) {
            case News.MISSED -> miss(key, news, shell);
            case News.SPOKEN -> expect(news, shell);
            case News.CLASSIFIED -> classify(key, news, shell);
            case News.TALKED -> talk(key, news, shell);
            case News.BOOKED -> book(key, news, shell);
            default -> {
                for (Job job : jobs)
                    if (job.id.equals(news.id) && job.cancelledAt == NONE) job.cancelledAt = news.at;
            }
        }
    }

    private Row add(News news, boolean secondChance) {
        Row row = new Row();
        row.secondChance = secondChance;
        row.call = news.id;
        row.start = news.start;
        row.end = news.at;
        row.attempt = 1;
        rows.add(row);
        return row;
    }

    private void miss(String key, News news, Shell shell) {
        int open = 0;
        for (Row row : rows) open += !row.secondChance && row.state == NEW ? 1 : 0;
        Row row = add(news, false);
        row.attempt = 1 + open;
        row.openedAt = news.at;
        row.coldAt = news.at + COLD_MS;
        shell.wake(row.coldAt);
        change(key, row, NEW, news.at, shell);
        if (!news.hasCaller()) return;
        Job first = null;
        for (Job job : jobs)
            if (job.bookedAt >= row.start && (first == null || job.bookedAt < first.bookedAt)) first = job;
        if (first != null)
            change(key, row, CONVERTED, news.at, shell);
        else if (talkStart != NONE && talkStart > row.start)
            change(key, row, RECONNECTED, Math.max(news.at, talkAt), shell);
    }

    /** The call may become a second chance row once its after-call work is over. */
    private void expect(News news, Shell shell) {
        Row row = add(news, true);
        row.openedAt = news.checkAt;
        row.coldAt = news.coldAt;
        row.said = news;
        shell.wake(news.checkAt);
    }

    private void classify(String key, News news, Shell shell) {
        for (Row row : rows) {
            if (!row.secondChance || !row.call.equals(news.id)) continue;
            if (row.state == WAITS)
                row.said = news;
            else if (news.classification == Input.CLASS_BOOKED && row.state != CONVERTED)
                change(key, row, CONVERTED, news.at, shell);
            else if (news.classification > Input.CLASS_UNBOOKED && row.state == NEW)
                change(key, row, NOT_A_LEAD, news.at, shell);
        }
    }

    private void talk(String key, News news, Shell shell) {
        if (news.start > talkStart) {
            talkStart = news.start;
            talkAt = news.at;
        }
        for (Row row : rows)
            if (!row.secondChance && row.state == NEW && row.start < news.start) change(key, row, RECONNECTED, news.at, shell);
    }

    private void book(String key, News news, Shell shell) {
        jobs.removeIf(job -> job.bookedAt < news.at - JOB_MS);
        Job job = new Job();
        job.id = news.id;
        job.call = news.name;
        job.bookedAt = news.at;
        jobs.add(job);
        if (!news.hasCaller()) return;
        for (Row row : rows) {
            boolean matches = row.state != WAITS && row.state != CONVERTED && row.start <= news.at && news.at <= row.end + LINK_MS;
            if (matches && (!row.secondChance || news.at > row.openedAt)) change(key, row, CONVERTED, news.at, shell);
        }
    }

    private void fire(String key, Row row, Shell shell) {
        if (row.state == WAITS) {
            check(key, row, shell);
            return;
        }
        row.coldJudged = true;
        if (row.state != NEW) return;
        row.cold = true;
        change(key, row, NEW, row.coldAt, shell);
    }

    /** After the after-call work: is there still a lead to be won? */
    private void check(String key, Row row, Shell shell) {
        News said = row.said;
        boolean booked = said.classification == Input.CLASS_BOOKED && !(said.name != null && wasCancelled(said.name, row.openedAt));
        boolean lead = said.classification <= Input.CLASS_UNBOOKED && !booked && !said.noLead;
        for (Job job : jobs)
            lead &= job.bookedAt < row.start || job.bookedAt > row.openedAt || job.cancelledAt != NONE && job.cancelledAt <= row.openedAt;
        row.said = null;
        if (!lead) {
            rows.remove(row);
            return;
        }
        shell.wake(row.coldAt);
        change(key, row, NEW, row.openedAt, shell);
    }

    private boolean wasCancelled(String id, long by) {
        for (Job job : jobs)
            if (job.id.equals(id)) return job.cancelledAt != NONE && job.cancelledAt <= by;
        return false;
    }

    private void change(String key, Row row, byte state, long at, Shell shell) {
        row.state = state;
        row.version++;
        RowChanged change = new RowChanged();
        int tab = key.indexOf('\t');
        boolean done = state != NEW;
        change.setTenant(key.substring(0, tab));
        change.setFollowUp((row.secondChance ? "sc-" : "ab-") + row.call);
        change.setVersion(row.version);
        change.setTab(done ? "DONE" : row.cold ? "COLD" : "OPEN");
        change.setStatus(!done ? "NEW" : state == NOT_A_LEAD ? "NOT_A_LEAD" : "RESOLVED");
        change.setOutcome(OUTCOMES[state]);
        change.setChangedAt(at);
        change.setOpenedAt(row.openedAt);
        change.setAttempt(row.attempt);
        change.setCaller(News.isCaller(key) ? key.substring(tab + 1) : null);
        change.setCallStartedAt(row.start);
        change.setCallEndedAt(row.end);
        shell.emit(change);
    }

    private static void write(Row row, Bytes out) {
        out.put(row.state | (row.secondChance ? 8 : 0) | (row.cold ? 16 : 0) | (row.coldJudged ? 32 : 0));
        out.putText(row.call);
        out.putFixed(row.start);
        out.putNumber(row.end - row.start);
        out.putNumber(row.openedAt - row.end);
        out.putNumber(row.coldAt - row.openedAt);
        out.putNumber(row.attempt);
        out.putNumber(row.version);
        if (row.state == WAITS) row.said.write(out);
    }

    private static Row readRow(Bytes in) {
        Row row = new Row();
        byte first = in.get();
        row.state = (byte) (first & 7);
        row.secondChance = (first & 8) != 0;
        row.cold = (first & 16) != 0;
        row.coldJudged = (first & 32) != 0;
        row.call = in.getText();
        row.start = in.getFixed();
        row.end = row.start + in.getNumber();
        row.openedAt = row.end + in.getNumber();
        row.coldAt = row.openedAt + in.getNumber();
        row.attempt = (int) in.getNumber();
        row.version = (int) in.getNumber();
        if (row.state == WAITS) row.said = News.read(in);
        return row;
    }

    public void write(Bytes out) {
        out.putFixed(talkStart);
        out.putFixed(talkAt);
        out.putNumber(rows.size());
        for (Row row : rows) write(row, out);
        out.putNumber(jobs.size());
        for (Job job : jobs) {
            out.putText(job.id);
            out.putText(job.call);
            out.putFixed(job.bookedAt);
            out.putFixed(job.cancelledAt);
        }
        out.putNumber(pending.size());
        for (News news : pending) news.write(out);
    }

    public static Party read(Bytes in) {
        Party party = new Party();
        party.talkStart = in.getFixed();
        party.talkAt = in.getFixed();
        for (long left = in.getNumber(); left > 0; left--) party.rows.add(readRow(in));
        for (long left = in.getNumber(); left > 0; left--) {
            Job job = new Job();
            job.id = in.getText();
            job.call = in.getText();
            job.bookedAt = in.getFixed();
            job.cancelledAt = in.getFixed();
            party.jobs.add(job);
        }
        for (long left = in.getNumber(); left > 0; left--) party.pending.add(News.read(in));
        return party;
    }
}
