import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * How zkCli itself splits lines into words. Usage: ZkCliWords <file with a JSON array of lines>.
 * Prints a JSON array that has, for each line, its words and whether a word begins with a quote that nothing closes.
 * The class is nested and private to ZooKeeper's package, so it is called by reflection.
 */
public final class ZkCliWords {
    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        String[] lines = json.readValue(Files.readString(Path.of(args[0]), StandardCharsets.UTF_8), String[].class);
        Class<?> parser = Class.forName("org.apache.zookeeper.ZooKeeperMain$MyCommandOptions");
        Constructor<?> constructor = parser.getDeclaredConstructor();
        constructor.setAccessible(true);
        Method parse = accessible(parser.getDeclaredMethod("parseCommand", String.class));
        Method words = accessible(parser.getDeclaredMethod("getArgArray"));
        Field field = parser.getDeclaredField("ARGS_PATTERN");
        field.setAccessible(true);
        Pattern pattern = (Pattern) field.get(null);
        List<Answer> answers = new ArrayList<>();
        for (String line : lines) {
            Object options = constructor.newInstance();
            boolean isParsed = (Boolean) parse.invoke(options, line);
            String[] found = isParsed ? (String[]) words.invoke(options) : new String[0];
            answers.add(new Answer(found, hasOpenQuote(pattern.matcher(line), line)));
        }
        System.out.write(json.writeValueAsBytes(answers));
        System.out.flush();
    }

    public static final class Answer {
        public final String[] words;
        public final boolean hasOpenQuote;

        Answer(String[] words, boolean hasOpenQuote) {
            this.words = words;
            this.hasOpenQuote = hasOpenQuote;
        }
    }

    /**
     * Matches follow each other without a gap, except where zkCli drops such a quote. At the beginning of a line it
     * takes the blank before it into the word instead.
     */
    private static boolean hasOpenQuote(Matcher matcher, String line) {
        int end = 0;
        while (matcher.find()) {
            if (matcher.start() != end || " \t\n\u000b\f\r".indexOf(line.charAt(matcher.start(1))) >= 0) return true;
            end = matcher.end();
        }
        return end != line.length();
    }

    private static Method accessible(Method method) {
        method.setAccessible(true);
        return method;
    }
}
