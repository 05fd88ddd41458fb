package ringback.peers;

/** What a call or a job means for the rows of its caller. */
public final class News implements Comparable<News> {
    /** In the order in which news of one millisecond is heard. */
    public static final byte TALKED = 0, MISSED = 1, SPOKEN = 2, CLASSIFIED = 3, BOOKED = 4, CANCELLED = 5;

    /** Key of the state: the tenant, a tab, then the caller's number, or # and the call where there is no caller. */
    public String party;
    public byte type;
    /** ms since 1970 UTC. */
    public long at;
    /** The call, or the job for BOOKED and CANCELLED. */
    public String id;
    /** When the call started; of all but jobs. */
    public long start;
    /** SPOKEN, CLASSIFIED: as in Input, CLASS_NONE where nobody said. */
    public byte classification;
    public boolean noLead;
    /** SPOKEN, CLASSIFIED: the job named; BOOKED: the call named. */
    public String name;
    /** SPOKEN: when the call is to be looked at again, and when its row would be cold. */
    public long checkAt, coldAt;

    public News(String party, byte type, long at, String id) {
        this.party = party;
        this.type = type;
        this.at = at;
        this.id = id;
    }

    public boolean hasCaller() {
        return isCaller(party);
    }

    public static boolean isCaller(String party) {
        return party.charAt(party.indexOf('\t') + 1) != '#';
    }

    @Override
    public int compareTo(News other) {
        return at != other.at ? Long.compare(at, other.at) : Byte.compare(type, other.type);
    }

    public void write(Bytes out) {
        out.put(type);
        out.putText(party);
        out.putFixed(at);
        out.putText(id);
        if (type < BOOKED) out.putFixed(start);
        if (type == SPOKEN || type == CLASSIFIED) out.put(classification << 1 | (noLead ? 1 : 0));
        if (type >= SPOKEN && type <= BOOKED) out.putText(name);
        if (type == SPOKEN) {
            out.putFixed(checkAt);
            out.putFixed(coldAt);
        }
    }

    public static News read(Bytes in) {
        byte type = in.get();
        String party = in.getText();
        long at = in.getFixed();
        News news = new News(party, type, at, in.getText());
        if (type < BOOKED) news.start = in.getFixed();
        if (type == SPOKEN || type == CLASSIFIED) {
            byte both = in.get();
            news.classification = (byte) (both >> 1);
            news.noLead = (both & 1) != 0;
        }
        if (type >= SPOKEN && type <= BOOKED) news.name = in.getText();
        if (type == SPOKEN) {
            news.checkAt = in.getFixed();
            news.coldAt = in.getFixed();
        }
        return news;
    }
}
