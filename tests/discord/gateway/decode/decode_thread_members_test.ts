import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeThreadMembers } from "../../../../src/discord/gateway/decode/other_events.ts";

const decode = (d: unknown) => decodeThreadMembers({ t: "THREAD_MEMBERS_UPDATE", s: 1, d });

describe("[S7] decodeThreadMembers()", () => {
  it("decodes people who join and leave", () => {
    const added_members = [{ id: "5", user_id: "7", flags: 1 }];
    assert.deepEqual(decode({ id: "5", guild_id: "1", added_members, removed_member_ids: ["8"] }), {
      kind: "thread_members_changed",
      threadId: "5",
      joined: ["7"],
      left: ["8"],
    });
    const left = decode({ id: "5", removed_member_ids: ["8"] });
    assert.deepEqual(left.kind === "thread_members_changed" && left.joined, []);
  });

  it("reports a payload that does not fit", () => assert.equal(decode({}).kind, "problem"));
});
