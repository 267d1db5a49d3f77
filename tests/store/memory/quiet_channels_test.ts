import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { createQuietChannels } from "../../../src/store/memory/places.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";

const KEY = { accountId: ACCOUNT, channelId: channelId("11") };

describe("createQuietChannels()", () => {
  it("[H1] calls a channel quiet once a session has read all, until the next kept message", () => {
    const quiet = createQuietChannels();
    assert.equal(quiet.isQuiet(KEY, "a"), false, "nothing is known yet");
    quiet.allRead(KEY, "a");
    assert.equal(quiet.isQuiet(KEY, "a"), true);
    assert.equal(quiet.isQuiet(KEY, "b"), false, "another session");
    quiet.kept(KEY);
    assert.equal(quiet.isQuiet(KEY, "a"), false);
  });

  it("[H1] keeps accounts and channels apart", () => {
    const quiet = createQuietChannels();
    quiet.allRead(KEY, "a");
    for (
      const key of [
        { ...KEY, accountId: toAccountId("second") },
        { ...KEY, channelId: channelId("12") },
      ]
    ) {
      assert.equal(quiet.isQuiet(key, "a"), false);
      quiet.kept(key);
      assert.equal(quiet.isQuiet(KEY, "a"), true, "a message elsewhere");
    }
  });

  it("[H1] never calls a channel quiet with a message that the session has not read", () => {
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom("kept", "allRead", "forget"),
        channel: fc.constantFrom("11", "12"),
        session: fc.constantFrom("a", "b"),
      }),
      { maxLength: 60, size: "max" },
    );
    fc.assert(fc.property(steps, (all) => {
      const quiet = createQuietChannels();
      /** Sessions that have read all, by channel. */
      const upToDate = new Map<string, Set<string>>();
      for (const { kind, channel, session } of all) {
        const key = { ...KEY, channelId: channelId(channel) };
        if (kind === "kept") {
          quiet.kept(key);
          upToDate.delete(channel);
        } else if (kind === "allRead") {
          quiet.allRead(key, session);
          upToDate.set(channel, (upToDate.get(channel) ?? new Set()).add(session));
        } else {
          quiet.forget();
          upToDate.clear();
        }
        for (const where of ["11", "12"]) {
          for (const who of ["a", "b"]) {
            assert.equal(
              quiet.isQuiet({ ...KEY, channelId: channelId(where) }, who),
              upToDate.get(where)?.has(who) ?? false,
            );
          }
        }
      }
    }));
  });

  it("forgets all beyond 8,192 sessions, and stays correct", () => {
    const quiet = createQuietChannels();
    for (let session = 0; session < 8_192; session++) quiet.allRead(KEY, `${session}`);
    const full = quiet.bytes();
    assert.equal(quiet.isQuiet(KEY, "0"), true);
    quiet.allRead(KEY, "one more");
    assert.ok(quiet.bytes() < full);
    assert.equal(quiet.isQuiet(KEY, "0"), false);
    assert.equal(quiet.isQuiet(KEY, "one more"), true);
    quiet.kept(KEY);
    assert.equal(quiet.isQuiet(KEY, "one more"), false);
  });

  it("takes no memory for channels that no session has read completely", () => {
    const quiet = createQuietChannels();
    for (let id = 1; id <= 1_000; id++) quiet.kept({ ...KEY, channelId: channelId(`${id}`) });
    assert.equal(quiet.bytes(), 0);
  });
});
