package ringback.peers;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A command line of NAME=VALUE words. */
public final class Options {
    private final Map<String, String> values = new HashMap<>();

    /** Ends the program where a word is none of `names`, or one of them is not given. */
    public Options(String[] words, String... names) {
        List<String> known = Arrays.asList(names);
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals < 0 || !known.contains(word.substring(0, equals))) refuse(word + " is none of " + known);
            values.put(word.substring(0, equals), word.substring(equals + 1));
        }
        for (String name : names)
            if (!values.containsKey(name)) refuse("give " + name + "=...");
    }

    private static void refuse(String why) {
        System.err.println(why);
        System.exit(2);
    }

    public String text(String name) {
        return values.get(name);
    }

    public int number(String name) {
        return Integer.parseInt(text(name));
    }

    /** One of two words; true: the first. Ends the program where it is neither. */
    public boolean is(String name, String yes, String no) {
        String value = text(name);
        if (!value.equals(yes) && !value.equals(no)) refuse(name + " is " + yes + " or " + no);
        return value.equals(yes);
    }
}
