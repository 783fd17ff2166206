import java.io.File;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.zookeeper.server.quorum.QuorumPeer.QuorumServer;
import org.apache.zookeeper.server.quorum.QuorumPeerConfig;

/**
 * What ZooKeeper makes of configuration files. Usage: ZkConfig <file with one path of a zoo.cfg a line>.
 * Prints one JSON object a line: the settings, or `refused` with all messages of the exception.
 * It parses as QuorumPeerMain does, and makes the one check of QuorumPeer.start that depends on nothing but the files.
 */
public final class ZkConfig {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder();
        for (String path : Files.readAllLines(Path.of(args[0]), StandardCharsets.UTF_8)) {
            out.append(JSON.writeValueAsString(judge(path))).append('\n');
        }
        System.out.write(out.toString().getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    private static Map<String, Object> judge(String path) {
        // Both are static, so one file would decide for the next; so would what a file made a system property.
        QuorumPeerConfig.setStandaloneEnabled(true);
        QuorumPeerConfig.setReconfigEnabled(false);
        Properties before = (Properties) System.getProperties().clone();
        try {
            QuorumPeerConfig config = new QuorumPeerConfig();
            config.parse(path);
            if (config.isDistributed() && !config.getServers().containsKey(config.getServerId())) {
                return Map.of("refused", "My id " + config.getServerId() + " not in the peer list");
            }
            return settingsOf(config);
        } catch (Exception error) {
            return Map.of("refused", messagesOf(error));
        } finally {
            System.setProperties(before);
        }
    }

    private static Map<String, Object> settingsOf(QuorumPeerConfig config) {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("mode", config.isDistributed() ? "ensemble" : "standalone");
        settings.put("serverId", config.isDistributed() ? config.getServerId() : null);
        settings.put("client", addressOf(config.getClientPortAddress()));
        settings.put("dataDir", config.getDataDir().getPath());
        settings.put("dataLogDir", config.getDataLogDir().getPath());
        settings.put("tickTime", config.getTickTime());
        settings.put("initLimit", config.getInitLimit());
        settings.put("syncLimit", config.getSyncLimit());
        settings.put("minSessionTimeout", config.getMinSessionTimeout());
        settings.put("maxSessionTimeout", config.getMaxSessionTimeout());
        settings.put("maxClientCnxns", config.getMaxClientCnxns());
        settings.put("backlog", config.getClientPortListenBacklog());
        settings.put("quorumListenOnAllIPs", config.getQuorumListenOnAllIPs());
        settings.put("localSessions", config.areLocalSessionsEnabled());
        settings.put("localSessionsUpgrading", config.isLocalSessionsUpgradingEnabled());
        settings.put("reconfig", QuorumPeerConfig.isReconfigEnabled());
        settings.put("members", config.isDistributed() ? membersOf(config) : List.of());
        return settings;
    }

    private static List<Map<String, Object>> membersOf(QuorumPeerConfig config) {
        List<Map<String, Object>> members = new ArrayList<>();
        for (QuorumServer server : new TreeMap<>(config.getServers()).values()) {
            Map<String, Object> member = new LinkedHashMap<>();
            member.put("id", server.id);
            member.put("host", server.hostname);
            member.put("quorumPort", server.addr.getOne().getPort());
            member.put("electionPort", server.electionAddr.getOne().getPort());
            member.put("client", server.isClientAddrFromStatic ? null : addressOf(server.clientAddr));
            members.add(member);
        }
        return members;
    }

    private static Map<String, Object> addressOf(InetSocketAddress address) {
        return address == null ? null : Map.of("host", address.getHostString(), "port", address.getPort());
    }

    private static String messagesOf(Throwable error) {
        StringBuilder text = new StringBuilder();
        for (Throwable each = error; each != null; each = each.getCause()) {
            text.append(text.length() == 0 ? "" : " <- ").append(each);
        }
        return text.toString();
    }
}
