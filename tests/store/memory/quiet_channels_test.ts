import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { createQuietChannels } from "../../../src/store/memory/quiet_channels.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";

const EARS = { accountId: ACCOUNT, channelId: channelId("11") };

describe("createQuietChannels()", () => {
  it("[H1] calls a channel quiet for a session from its hearing all to the next kept message", () => {
    const quiet = createQuietChannels();
    assert.equal(quiet.isQuiet(EARS, "a"), false, "nothing is known yet");
    quiet.heardAll(EARS, "a");
    assert.equal(quiet.isQuiet(EARS, "a"), true);
    assert.equal(quiet.isQuiet(EARS, "b"), false, "another session");
    quiet.kept(EARS);
    assert.equal(quiet.isQuiet(EARS, "a"), false);
  });

  it("[H1] keeps accounts and channels apart", () => {
    const quiet = createQuietChannels();
    quiet.heardAll(EARS, "a");
    for (
      const ears of [
        { ...EARS, accountId: toAccountId("second") },
        { ...EARS, channelId: channelId("12") },
      ]
    ) {
      assert.equal(quiet.isQuiet(ears, "a"), false);
      quiet.kept(ears);
      assert.equal(quiet.isQuiet(EARS, "a"), true, "a message elsewhere");
    }
  });

  it("[H1] never calls a channel quiet in which a session has missed a message", () => {
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom("kept", "heardAll", "forget"),
        channel: fc.constantFrom("11", "12"),
        session: fc.constantFrom("a", "b"),
      }),
      { maxLength: 60, size: "max" },
    );
    fc.assert(fc.property(steps, (all) => {
      const quiet = createQuietChannels();
      /** Sessions that have heard all, by channel. */
      const upToDate = new Map<string, Set<string>>();
      for (const { kind, channel, session } of all) {
        const ears = { ...EARS, channelId: channelId(channel) };
        if (kind === "kept") {
          quiet.kept(ears);
          upToDate.delete(channel);
        } else if (kind === "heardAll") {
          quiet.heardAll(ears, session);
          upToDate.set(channel, (upToDate.get(channel) ?? new Set()).add(session));
        } else {
          quiet.forget();
          upToDate.clear();
        }
        for (const where of ["11", "12"]) {
          for (const who of ["a", "b"]) {
            assert.equal(
              quiet.isQuiet({ ...EARS, channelId: channelId(where) }, who),
              upToDate.get(where)?.has(who) ?? false,
            );
          }
        }
      }
    }));
  });

  it("forgets all beyond 8,192 sessions, and is right afterwards", () => {
    const quiet = createQuietChannels();
    for (let session = 0; session < 8_192; session++) quiet.heardAll(EARS, `${session}`);
    const full = quiet.bytes();
    assert.equal(quiet.isQuiet(EARS, "0"), true);
    quiet.heardAll(EARS, "one more");
    assert.ok(quiet.bytes() < full);
    assert.equal(quiet.isQuiet(EARS, "0"), false);
    assert.equal(quiet.isQuiet(EARS, "one more"), true);
    quiet.kept(EARS);
    assert.equal(quiet.isQuiet(EARS, "one more"), false);
  });

  it("takes no memory for channels in which no session has heard all", () => {
    const quiet = createQuietChannels();
    for (let id = 1; id <= 1_000; id++) quiet.kept({ ...EARS, channelId: channelId(`${id}`) });
    assert.equal(quiet.bytes(), 0);
  });
});
