/**
 * The protobuf schema of txns, as proposals and the log carry them. The schema of the messages between servers comes
 * from the rows in `peer/peer-message.ts`.
 * protobufjs compiles the proto3 text when the module loads, so there is no
 * generated file that could be out of date. Zxids, epochs, hashes and times are `double`: exact up to 2⁵³
 * (design D3) and decoded without allocation. Session ids are two fixed32 words, high word first.
 * Field numbers never change, and a retired number is never used again.
 */
import protobuf from 'protobufjs'

const schemaText = `
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
    Refusal refusal = 9;
  }
}
message Bundle { sint32 type = 1; string path = 2; repeated Change changes = 3; }
message Refusal { sint32 code = 1; optional bytes body = 2; }
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
`

export const schema: protobuf.Root = protobuf.parse(schemaText, { keepCase: false }).root
