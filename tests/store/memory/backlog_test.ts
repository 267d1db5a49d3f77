import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { createBacklog, type WaitingMessage } from "../../../src/store/memory/backlog.ts";
import { ACCOUNT, channelId, guildId } from "../../support/discord/builders.ts";
import { waiting } from "../../support/store/open_turns.ts";

const SECOND = toAccountId("second");

/** A message of one of three sessions, each with messages of several places and accounts. */
const message = fc.record({
  session: fc.constantFrom("one", "two", "three"),
  channel: fc.constantFrom("11", "12"),
  guild: fc.constantFrom("21", "22", undefined),
  isOfSecond: fc.boolean(),
  isFree: fc.boolean(),
});

/** The next message of {@link ACCOUNT}, if each session is asked about its messages in turn. */
function nextOf(entries: readonly WaitingMessage[], isFree: (entry: WaitingMessage) => boolean) {
  const firstOf = (session: string) =>
    entries.find((entry) => entry.route.sessionKey === session && isFree(entry));
  const firsts = ["one", "two", "three"].flatMap((session) => firstOf(session) ?? []);
  return firsts.sort((one, other) => one.arrival - other.arrival)[0];
}

describe("the backlog", () => {
  it("[S5] finds the session that waits longest, whatever it need not ask about", () =>
    fc.assert(fc.property(fc.array(message, { maxLength: 20 }), (all) => {
      const backlog = createBacklog();
      const entries = all.map(({ session, channel, guild, isOfSecond }, at) =>
        waiting(at + 1, {
          accountId: isOfSecond ? SECOND : ACCOUNT,
          channelId: channelId(channel),
          guildId: guild === undefined ? undefined : guildId(guild),
          route: { agentId: "main", sessionKey: session },
        })
      );
      for (const entry of entries) backlog.insert(entry);
      const left = [...entries];
      const isFree = (entry: WaitingMessage) =>
        entry.accountId === ACCOUNT && all[entry.arrival - 1]?.isFree === true;
      for (;;) {
        const next = backlog.next(ACCOUNT, isFree);
        assert.equal(next, nextOf(left, isFree));
        if (!next) return;
        left.splice(left.indexOf(next), 1);
        backlog.takeOut(next);
      }
    })));

  it("[S5] lets a later message of another guild be first once its guild has had fewer turns", () => {
    const backlog = createBacklog();
    const of = (id: number, session: string, guild: string) =>
      waiting(id, { guildId: guildId(guild), route: { agentId: "main", sessionKey: session } });
    backlog.begun(of(1, "before", "21"));
    const [blocked, other] = [of(4, "one", "21"), of(5, "one", "22")];
    for (const entry of [of(3, "two", "21"), blocked, other]) backlog.insert(entry);
    assert.equal(backlog.next(ACCOUNT, (entry) => entry !== blocked), other);
  });
});
