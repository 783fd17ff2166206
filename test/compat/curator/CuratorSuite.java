/** The recipes of Apache Curator against one server (`extended`) or three (`ensemble`). */
public final class CuratorSuite {
    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "extended":
                LockChecks.register();
                LeaderChecks.register();
                SharedStateChecks.register();
                CacheChecks.register();
                FrameworkChecks.register();
                break;
            case "lead-until-killed":
                LeaderChecks.leadUntilKilled(args[1]);
                break;
            default:
                FailoverChecks.register();
        }
        System.exit(Harness.runChecks());
    }

    private CuratorSuite() {
    }
}
