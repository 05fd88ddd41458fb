package ringback.peers;

/** One event of a call or a job, as far as the rules look at it. */
public final class Input {
    /** What kind of event; OTHER only counts as seen. */
    public static final byte STARTED = 0, AGENT_UP = 1, AGENT_DOWN = 2, HOLD_BEGAN = 3, HOLD_ENDED = 4, QUEUED = 5, VOICE_AGENT = 6,
            VOICEMAIL = 7, MESSAGE = 8, FORWARDED = 9, ENDED = 10, CLASSIFIED = 11, BOOKED = 12, CANCELLED = 13, OTHER = 14;

    public static final byte CLASS_NONE = -1, CLASS_BOOKED = 0, CLASS_UNBOOKED = 1, CLASS_EXCUSED = 2, CLASS_NOT_A_LEAD = 3;

    /** Key of the state: the tenant, a tab, c or j, the call's or job's id. */
    public String subject;
    public byte type;
    /** ms since 1970 UTC. */
    public long at;
    /** 128 bits that stand for the event's id. */
    public long idHigh, idLow;
    /** STARTED: of calls from outside; others open no row and resolve none. */
    public boolean inbound;
    /** STARTED: calling number; BOOKED: the customer's. Null: none. */
    public String number;
    /** AGENT_UP, AGENT_DOWN, HOLD_BEGAN, HOLD_ENDED: null is all legs. BOOKED: the call it names. CLASSIFIED: the job it names. */
    public String name;
    /** ENDED: no active workflow. */
    public boolean noWorkflow;
    /** CLASSIFIED: the classification, and whether its reason is marked as no lead. */
    public byte classification;
    public boolean noLead;

    public String tenant() {
        return subject.substring(0, subject.indexOf('\t'));
    }

    /** The call's or job's own id. */
    public String id() {
        return subject.substring(subject.indexOf('\t') + 2);
    }

    private boolean hasName() {
        return type >= AGENT_UP && type <= HOLD_ENDED || type == BOOKED || type == CLASSIFIED;
    }

    public void write(Bytes out) {
        out.put(type | (inbound ? 16 : 0) | (noWorkflow ? 32 : 0) | (noLead ? 64 : 0));
        out.putText(subject);
        out.putFixed(at);
        out.putFixed(idHigh);
        out.putFixed(idLow);
        if (type == STARTED || type == BOOKED) out.putText(number);
        if (hasName()) out.putText(name);
        if (type == CLASSIFIED) out.put(classification);
    }

    public static Input read(Bytes in) {
        Input input = new Input();
        byte first = in.get();
        input.type = (byte) (first & 15);
        input.inbound = (first & 16) != 0;
        input.noWorkflow = (first & 32) != 0;
        input.noLead = (first & 64) != 0;
        input.subject = in.getText();
        input.at = in.getFixed();
        input.idHigh = in.getFixed();
        input.idLow = in.getFixed();
        if (input.type == STARTED || input.type == BOOKED) input.number = in.getText();
        if (input.hasName()) input.name = in.getText();
        if (input.type == CLASSIFIED) input.classification = in.get();
        return input;
    }
}
