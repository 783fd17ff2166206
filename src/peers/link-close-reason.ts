/**
 * Why a link between two servers is closed or refused, each with a text for the log line: what happened and what to do.
 * docs/reference/log-events.md lists the same rows.
 */
export const linkCloseReasons = {
  'not-a-peer':
    'What connected to the quorum port does not speak the protocol between zkts servers; check what it is. Servers of Apache ZooKeeper and of zkts cannot be members of one ensemble.',
  'frame-too-large': 'A peer sent a frame above the limit; make sure that all servers run the same version.',
  'frame-damaged':
    'The checksum of a frame does not match, so something between the two servers changes bytes; the servers connect again. If this repeats, check the network hardware.',
  'message-unknown':
    'A peer sent a message that this server does not understand; make sure that all servers run the same version.',
  'hello-missing': 'The first frame of a link was not a greeting; check what connects to the quorum port.',
  'hello-repeated': 'A peer greeted twice on one link; make sure that all servers run the same version.',
  'hello-late':
    'The other end of a link did not send its greeting in time; check what listens on, or connects to, the quorum port.',
  'protocol-version-differs':
    'The peer speaks another version of the protocol between servers; run the same version on all of them.',
  'hello-for-another-server':
    'The greeting names another server than the configuration has at this address; compare the server lines and the myid files of both.',
  'unknown-server': 'The peer sent an id for which there is no server line; give all servers the same server lines.',
  'same-server-id': 'Another server sent the id of this server; give each server its own number in myid.',
  'id-in-use':
    'A second process sent the id of a server that is connected. It was refused, and the existing link stays. Find the process at remoteAddress and stop it, or give it an id of its own in myid and in the server lines.',
  'own-id-in-use':
    'The peer is connected to another process with the id of this server, so it refused this one, which tries again at growing intervals. Stop one of the two, or correct myid and the server lines. Two data folders must not take turns under one id: each lacks what the other has acknowledged.',
  'called-the-wrong-way':
    'A peer with a lower id connected to this server, but the server with the higher id has to connect; compare the server lines and the myid files of both.',
  'peer-of-another-ensemble':
    'The peer holds the data of another cluster; detail names both. To join would destroy one of the two, so they refuse each other, and a server that finds no quorum of its own cluster serves nothing. Stop the servers with the wrong data, move their data folder away (the content of dataDir and dataLogDir, except myid and zoo.cfg), and start them: they copy the data of the others.',
  replaced: 'The peer made a new link, so the old one is no longer needed.',
  silent: 'The peer sent nothing for peerTimeoutMs; check the peer and the network.',
  'output-too-large': 'The peer does not read what this server sends; check whether it is stopped or overloaded.',
  'closed-after-greeting':
    'The other server has closed the link right after its greeting, more than once: it probably does not list this server. Look at its log, and give all servers the same server lines. This server tries again at growing intervals.',
  'closed-by-peer': 'The other end closed the link, or the network did.',
} as const satisfies Record<string, string>

export type LinkCloseReason = keyof typeof linkCloseReasons
