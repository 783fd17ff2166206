/** The stock Java client against one server (`single`, `extended`) or three (`ensemble`, `sessions`). */
public final class CompatSuite {
    public static void main(String[] args) throws Exception {
        if (args[0].equals("single")) {
            SingleChecks.register();
        } else if (args[0].equals("extended")) {
            FeatureChecks.register();
        } else if (args[0].equals("sessions")) {
            SessionModeChecks.register();
        } else {
            EnsembleChecks.register();
        }
        System.exit(Harness.runChecks());
    }

    private CompatSuite() {
    }
}
