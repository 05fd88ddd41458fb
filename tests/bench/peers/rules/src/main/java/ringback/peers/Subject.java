package ringback.peers;

import java.util.Arrays;

/** What is known of one call or job: the ids of its events, who is talking, how it ended. */
public final class Subject {
    /** What runs the rules: it keeps subjects and timers, and takes news to parties. */
    public interface Shell {
        void tell(News news);

        /** Calls `wake` of this subject when event time has passed `at`; `unwake` takes it back. */
        void wake(long at);

        void unwake(long at);
    }

    public static final long TALK_MS = 30_001, FORGET_MS = 7 * 86_400_000L;
    private static final long NONE = Long.MIN_VALUE;
    private static final int INBOUND = 1, SPOKE = 2, VOICE_AGENT = 4, VOICEMAIL = 8, MESSAGE = 16, FORWARDED = 32, HELD_ALL = 64,
            NO_LEAD = 128, LEAD = 256; // the reason is marked as no lead; the party waits for what is said of the call
    private static final int UP = 1, HELD = 2;

    private int flags;
    private String party; // null: no news of this call or job matters to anybody
    private long start = NONE, end = NONE, lastAt = NONE, forgetAt = NONE;
    private long talked, talkingSince = NONE, talkAt = NONE; // ms of talk before; since when; when it reaches TALK_MS
    private byte classification = Input.CLASS_NONE;
    private String job;
    private String[] legs = {};
    private byte[] legStates = {};
    private long[] ids = {}; // two a event
    private int idCount;

    private boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** False: it was there. */
    private boolean remember(long high, long low) {
        for (int i = 0; i < 2 * idCount; i += 2)
            if (ids[i] == high && ids[i + 1] == low) return false;
        if (2 * idCount == ids.length) ids = Arrays.copyOf(ids, Math.max(16, ids.length + ids.length / 2 & ~1));
        ids[2 * idCount] = high;
        ids[2 * idCount + 1] = low;
        idCount++;
        return true;
    }

    /** Takes in an event, unless its id is known: then false. `remembers`: the ids are kept here, not by the shell. */
    public boolean apply(Input input, Settings settings, Shell shell, boolean remembers) {
        if (remembers && !remember(input.idHigh, input.idLow)) return false;
        if (lastAt == NONE) {
            forgetAt = input.at + FORGET_MS;
            shell.wake(forgetAt);
        }
        lastAt = Math.max(lastAt, input.at);
        if (input.type == Input.BOOKED || input.type == Input.CANCELLED)
            applyJob(input, shell);
        else if (end == NONE || input.type == Input.CLASSIFIED)
            applyCall(input, settings, shell);
        return true;
    }

    private void applyJob(Input input, Shell shell) {
        if (input.type == Input.BOOKED && party == null && (input.number != null || input.name != null))
            party = input.tenant() + '\t' + (input.number != null ? input.number : '#' + input.name);
        if (party == null) return;
        News news = new News(party, input.type == Input.BOOKED ? News.BOOKED : News.CANCELLED, input.at, input.id());
        news.name = input.name;
        shell.tell(news);
    }

    private void applyCall(Input input, Settings settings, Shell shell) {
        if (talkAt != NONE && talkAt <= input.at) reachTalk(input.id(), shell);
        switch (input.type) {
            case Input.STARTED -> {
                start = input.at;
                if (!input.inbound) return;
                flags |= INBOUND;
                party = input.tenant() + '\t' + (input.number != null ? input.number : '#' + input.id());
            }
            case Input.AGENT_UP, Input.AGENT_DOWN, Input.HOLD_BEGAN, Input.HOLD_ENDED -> {
                if (!has(INBOUND)) return;
                if (input.type == Input.AGENT_UP) flags |= SPOKE;
                moveLeg(input);
                retalk(input.at, shell);
            }
            case Input.QUEUED -> flags &= ~VOICE_AGENT; // the Voice Agent counts where no queue comes after it
            case Input.VOICE_AGENT -> flags |= VOICE_AGENT;
            case Input.VOICEMAIL -> flags |= VOICEMAIL;
            case Input.MESSAGE -> flags |= VOICEMAIL | MESSAGE;
            case Input.FORWARDED -> flags |= FORWARDED;
            case Input.ENDED -> end(input, settings, shell);
            case Input.CLASSIFIED -> classify(input, shell);
            default -> { }
        }
    }

    private int leg(String name) {
        for (int i = 0; i < legs.length; i++)
            if (legs[i].equals(name)) return i;
        legs = Arrays.copyOf(legs, legs.length + 1);
        legStates = Arrays.copyOf(legStates, legs.length);
        legs[legs.length - 1] = name;
        return legs.length - 1;
    }

    private void moveLeg(Input input) {
        if (input.name == null) {
            flags = input.type == Input.HOLD_BEGAN ? flags | HELD_ALL : flags & ~HELD_ALL;
            if (input.type == Input.HOLD_ENDED)
                for (int i = 0; i < legStates.length; i++) legStates[i] &= ~HELD;
            return;
        }
        int leg = leg(input.name);
        switch (input.type) {
            case Input.AGENT_UP -> legStates[leg] |= UP;
            case Input.AGENT_DOWN -> legStates[leg] = 0;
            case Input.HOLD_BEGAN -> legStates[leg] |= HELD;
            default -> legStates[leg] &= ~HELD;
        }
    }

    private boolean talks() {
        if (has(HELD_ALL)) return false;
        for (byte state : legStates)
            if (state == UP) return true;
        return false;
    }

    /** The timer follows who talks now. */
    private void retalk(long at, Shell shell) {
        boolean talks = end == NONE && talks();
        if (talks == (talkingSince != NONE) || talked >= TALK_MS) return;
        if (talks) {
            talkingSince = at;
            talkAt = at + TALK_MS - talked;
            if (News.isCaller(party)) shell.wake(talkAt);
        } else {
            talked += at - talkingSince;
            if (News.isCaller(party)) shell.unwake(talkAt);
            talkingSince = talkAt = NONE;
        }
    }

    private void reachTalk(String id, Shell shell) {
        News news = new News(party, News.TALKED, talkAt, id);
        news.start = start;
        if (news.hasCaller()) shell.tell(news);
        talked = TALK_MS;
        talkingSince = talkAt = NONE;
    }

    /** Which row the call may open (the product's rules, section 2). Nobody spoke: at once; somebody did: after the after-call work. */
    private void end(Input input, Settings settings, Shell shell) {
        end = input.at;
        if (!has(INBOUND)) return;
        retalk(end, shell);
        legs = new String[0];
        legStates = new byte[0];
        if (has(SPOKE)) {
            if (!settings.wantsSecondChance(input.tenant(), end - start)) return;
            flags |= LEAD;
            News news = new News(party, News.SPOKEN, end, input.id());
            news.checkAt = end + settings.afterCallWorkMs();
            news.coldAt = news.checkAt + settings.coldMs();
            tellClass(news, shell);
        } else if (!has(VOICE_AGENT) && (has(VOICEMAIL) ? !has(MESSAGE) : !has(FORWARDED) && !input.noWorkflow)) {
            News news = new News(party, News.MISSED, end, input.id());
            news.start = start;
            shell.tell(news);
        }
    }

    private void classify(Input input, Shell shell) {
        classification = input.classification;
        flags = input.noLead ? flags | NO_LEAD : flags & ~NO_LEAD;
        job = input.name;
        if (has(LEAD)) tellClass(new News(party, News.CLASSIFIED, input.at, input.id()), shell);
    }

    private void tellClass(News news, Shell shell) {
        news.start = start;
        news.classification = classification;
        news.noLead = has(NO_LEAD);
        news.name = job;
        shell.tell(news);
    }

    /** Event time has passed `now`. True: nothing needs this subject any more. */
    public boolean wake(String id, long now, Shell shell) {
        if (talkAt != NONE && talkAt <= now) reachTalk(id, shell);
        if (forgetAt > now) return false;
        if (lastAt + FORGET_MS <= now) return true;
        forgetAt = lastAt + FORGET_MS;
        shell.wake(forgetAt);
        return false;
    }

    public void write(Bytes out) {
        out.putNumber(flags);
        out.putText(party);
        out.putFixed(lastAt);
        out.putNumber(forgetAt - lastAt);
        out.putNumber(idCount);
        for (int i = 0; i < 2 * idCount; i++) out.putFixed(ids[i]);
        out.putFixed(start);
        out.put((end == NONE ? 0 : 1) | (talkingSince == NONE ? 0 : 2));
        if (end != NONE) out.putNumber(end - start);
        out.putNumber(talked);
        if (talkingSince != NONE) out.putNumber(talkingSince - start);
        out.put(classification);
        out.putText(job);
        out.putNumber(legs.length);
        for (int i = 0; i < legs.length; i++) {
            out.putText(legs[i]);
            out.put(legStates[i]);
        }
    }

    public static Subject read(Bytes in) {
        Subject subject = new Subject();
        subject.flags = (int) in.getNumber();
        subject.party = in.getText();
        subject.lastAt = in.getFixed();
        subject.forgetAt = subject.lastAt + in.getNumber();
        subject.idCount = (int) in.getNumber();
        subject.ids = new long[2 * subject.idCount];
        for (int i = 0; i < subject.ids.length; i++) subject.ids[i] = in.getFixed();
        subject.start = in.getFixed();
        byte known = in.get();
        if ((known & 1) != 0) subject.end = subject.start + in.getNumber();
        subject.talked = in.getNumber();
        if ((known & 2) != 0) {
            subject.talkingSince = subject.start + in.getNumber();
            subject.talkAt = subject.talkingSince + TALK_MS - subject.talked;
        }
        subject.classification = in.get();
        subject.job = in.getText();
        subject.legs = new String[(int) in.getNumber()];
        subject.legStates = new byte[subject.legs.length];
        for (int i = 0; i < subject.legs.length; i++) {
            subject.legs[i] = in.getText();
            subject.legStates[i] = in.get();
        }
        return subject;
    }

    /** One that does not change with this one. */
    public Subject copy() {
        Subject copy = new Subject();
        copy.flags = flags;
        copy.party = party;
        copy.start = start;
        copy.end = end;
        copy.lastAt = lastAt;
        copy.forgetAt = forgetAt;
        copy.talked = talked;
        copy.talkingSince = talkingSince;
        copy.talkAt = talkAt;
        copy.classification = classification;
        copy.job = job;
        copy.legs = legs.clone();
        copy.legStates = legStates.clone();
        copy.ids = ids.clone();
        copy.idCount = idCount;
        return copy;
    }
}
