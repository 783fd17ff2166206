/**
 * The one protobuf schema: txns as proposals and the log carry them, and the messages between servers.
 * It stands here as proto3 text and is compiled by protobufjs when the module loads, so there is no
 * generated file that could lag behind. Zxids, epochs, hashes and times are `double`: exact up to 2⁵³
 * (design D3) and decoded without allocation. Session ids are two fixed32 words, high word first.
 * Field numbers are for ever: a retired number is never used again.
 */
import protobuf from 'protobufjs'

export const schemaText = `
syntax = "proto3";

message AclEntry { int32 perms = 1; string scheme = 2; string id = 3; }
message Origin { uint32 server_id = 1; fixed32 incarnation = 2; double sequence = 3; }

message Txn {
  double time_ms = 1;
  fixed32 session_high = 2;
  fixed32 session_low = 3;
  optional Origin origin = 4;
  bool is_multi = 5;
  repeated Change changes = 6;
}
message Change {
  oneof body {
    Create create = 1;
    Delete delete = 2;
    SetData set_data = 3;
    SetAcl set_acl = 4;
    Check check = 5;
    CreateSession create_session = 6;
    CloseSession close_session = 7;
    Bundle bundle = 8;
  }
}
message Bundle { sint32 type = 1; string path = 2; repeated Change changes = 3; }
message Create {
  string path = 1;
  optional bytes data = 2;
  repeated AclEntry acl = 3;
  fixed32 owner_high = 4;
  fixed32 owner_low = 5;
  sint32 parent_create_count = 6;
  bool with_stat = 7;
}
message Delete { string path = 1; }
message SetData { string path = 1; optional bytes data = 2; sint32 version = 3; }
message SetAcl { string path = 1; repeated AclEntry acl = 2; sint32 aversion = 3; }
message Check { string path = 1; }
message CreateSession { fixed32 session_high = 1; fixed32 session_low = 2; int32 timeout_ms = 3; }
message CloseSession { fixed32 session_high = 1; fixed32 session_low = 2; repeated string deleted_paths = 3; }

message Entry { double zxid = 1; bytes payload = 2; }
message ForwardedRequest {
  double sequence = 1;
  fixed32 session_high = 2;
  fixed32 session_low = 3;
  sint32 type = 4;
  bytes body = 5;
  repeated AuthId auth_ids = 6;
  bool is_local = 7;
}
message AuthId { string scheme = 1; string id = 2; }
message ForwardedAnswer { double sequence = 1; double after = 2; string error = 3; optional bytes body = 4; }

message PeerMessage {
  oneof body {
    Vote vote = 1;
    FollowerInfo follower_info = 2;
    NewEpoch new_epoch = 3;
    AckEpoch ack_epoch = 4;
    SyncStart sync_start = 5;
    Append append = 6;
    NewLeader new_leader = 7;
    AckNewLeader ack_new_leader = 8;
    UpToDate up_to_date = 9;
    Ack ack = 10;
    Heartbeat heartbeat = 11;
    HeartbeatReply heartbeat_reply = 12;
    Forward forward = 13;
    Answer answer = 14;
    Revalidate revalidate = 15;
    Revalidated revalidated = 16;
    SyncFrom sync_from = 17;
  }
}
message Vote { double round = 1; uint32 leader = 2; double epoch = 3; double zxid = 4; string state = 5; }
message FollowerInfo { fixed32 sync_id = 1; double accepted_epoch = 2; }
message NewEpoch { fixed32 sync_id = 1; double epoch = 2; }
message AckEpoch {
  fixed32 sync_id = 1;
  bool countable = 2;
  double current_epoch = 3;
  double last_zxid = 4;
  double last_hash = 5;
  double cluster_id = 6;
}
message SyncStart { fixed32 sync_id = 1; double zxid = 2; double hash = 3; }
message SyncFrom { fixed32 sync_id = 1; double zxid = 2; double hash = 3; }
message Append {
  fixed32 sync_id = 1;
  double previous_zxid = 2;
  double previous_hash = 3;
  repeated Entry entries = 4;
  double committed = 5;
}
message NewLeader { fixed32 sync_id = 1; double epoch = 2; double cluster_id = 3; double last_zxid = 4; }
message AckNewLeader { fixed32 sync_id = 1; double durable = 2; }
message UpToDate { fixed32 sync_id = 1; double committed = 2; }
message Ack { fixed32 sync_id = 1; double durable = 2; }
message Heartbeat { fixed32 sync_id = 1; double sequence = 2; double committed = 3; }
message HeartbeatReply { fixed32 sync_id = 1; double sequence = 2; repeated fixed32 touched = 3; }
message Forward { fixed32 sync_id = 1; repeated ForwardedRequest requests = 2; fixed32 incarnation = 3; }
message Answer { fixed32 sync_id = 1; repeated ForwardedAnswer answers = 2; }
message Revalidate {
  fixed32 sync_id = 1;
  double sequence = 2;
  fixed32 session_high = 3;
  fixed32 session_low = 4;
  int32 timeout_ms = 5;
}
message Revalidated { fixed32 sync_id = 1; double sequence = 2; bool valid = 3; }

message Hello {
  uint32 protocol_version = 1;
  uint32 from = 2;
  uint32 to = 3;
  double cluster_id = 4;
  fixed32 incarnation = 5;
}
message PeerFrame { optional Hello hello = 1; repeated PeerMessage messages = 2; }
`

export const schema: protobuf.Root = protobuf.parse(schemaText, { keepCase: false }).root
