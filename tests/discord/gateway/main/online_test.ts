import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createOnlineReport } from "../../../../src/discord/gateway/main/connection.ts";
import type { Self } from "../../../../src/core/inbound/inbound.ts";
import { guildId, userId } from "../../../support/discord/builders.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const SELF = { userId: userId("12"), username: "Krill" } as Self;

function setUp() {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const seen: { bot: Self; guilds: readonly string[] }[] = [];
  const index = new Map<string, { readonly name: string }>();
  const reader: { self?: Self; index: never } = { self: SELF, index: index as never };
  const report = createOnlineReport({
    reader,
    schedule: clock.schedule,
    stopping: stopping.signal,
    onOnline: (bot, guilds) => seen.push({ bot, guilds }),
  });
  return { clock, stopping, seen, index, reader, report };
}

describe("[O2] createOnlineReport()", () => {
  it("reports once, after the last guild has arrived", () => {
    const { clock, seen, index, report } = setUp();
    report.ready();
    for (const name of ["Krill Co", "Friends"]) {
      clock.advance(400);
      index.set(guildId(`${index.size + 1}`), { name });
      report.changed();
    }
    assert.deepEqual(seen, []);
    clock.advance(500);
    assert.deepEqual(seen.map(({ guilds }) => guilds), [["Krill Co", "Friends"]]);
    report.changed();
    report.ready();
    clock.advance(5_000);
    assert.equal(seen.length, 1);
  });

  it("waits for the bot's identity", () => {
    const world = setUp();
    delete world.reader.self;
    world.report.ready();
    world.clock.advance(5_000);
    assert.equal(world.seen.length, 0);
    world.reader.self = SELF;
    world.report.changed();
    world.clock.advance(500);
    assert.deepEqual(world.seen.map(({ bot }) => bot.username), ["Krill"]);
  });
});
