/** Accounts that look like an allowed person, or take the name that the person gave up. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import { killBot, withSimulation } from "../../support/bot/e2e.ts";

const CYRILLIC = { g: "ԍ", r: "г", a: "а", c: "с", e: "е" } as const;

/** Two hundred spellings of `grace`. */
function lookAlikes(): readonly string[] {
  const marks = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e", "\u2067"];
  const inserted = [...marks, "\u0301", "\u0307", " ", ".", "_"].flatMap((mark) =>
    Array.from({ length: 6 }, (_, at) => "grace".slice(0, at) + mark + "grace".slice(at))
  );
  const twins = (twin: (letter: string) => string) =>
    Array.from(
      { length: 31 },
      (_, bits) =>
        [..."grace"].map((letter, at) => bits + 1 >> at & 1 ? twin(letter) : letter).join(""),
    );
  return [
    ...inserted,
    ...twins((letter) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0)),
    ...twins((letter) => CYRILLIC[letter as keyof typeof CYRILLIC]),
    ...twins((letter) => String.fromCodePoint(0x1d41a + (letter.codePointAt(0) ?? 0) - 97)),
    ...twins((letter) => `${letter}\u0308`),
  ];
}

it("[SEC-R12] an account that looks like an allowed one › is denied by username, display name, nickname and after a change of names", () =>
  withSimulation({
    simulator: { rateLimits: false, identifyLimit: { spacingMs: 0 } },
    discord: ({ world }) => ({
      dm: { policy: "allowlist", allowFrom: ["grace"] },
      guilds: { [String([...world.guilds.keys()][0])]: { users: ["grace"] } },
    }),
  }, async ({ simulator, start, say, mention, decided, rows, line, user, model }) => {
    const [krill] = simulator.world.guilds.values();
    assert.ok(krill);
    const names = [...new Set(lookAlikes())];
    assert.ok(names.length >= 200, String(names.length));
    const join = (fields: { username: string; globalName?: string }, nick?: string) => {
      const { id } = addUser(simulator.world, fields, Date.now());
      addMember(krill, { userId: id, joinedAt: Date.now(), ...(nick && { nick }) });
      return id;
    };
    const twins = names.flatMap((username) => [
      join({ username }),
      join({ username: username.toUpperCase() }),
    ]);
    twins.push(join({ username: "eve", globalName: "grace" }, "grace"));
    const bot = await start();
    for (const id of twins) {
      say(id, "general", `${mention} it is me`);
      say(id, "dm", "it is me");
    }
    await decided(say("eve", "dm", "and now?"));
    const verdicts = rows("SELECT verdict, why, count(*) AS n FROM decision GROUP BY 1, 2");
    assert.deepEqual(
      verdicts.map(({ verdict, why, n }) => `${verdict}: ${why} ${n}`).toSorted(),
      [`ignore: dm-not-allowed ${twins.length + 1}`, `ignore: sender-not-listed ${twins.length}`],
    );
    const grace = user("grace").id;
    await line(bot, /A name in the config was resolved to an id.*users\[0\]/);
    simulator.rename("grace", "hopper");
    const thief = join({ username: "grace" });
    for (const isRestarted of [false, true]) {
      if (isRestarted) {
        await killBot(bot);
        await start();
      }
      const inGuild = await decided(say(thief, "general", `${mention} hi`));
      assert.equal(inGuild, "ignore: sender-not-listed");
      assert.equal(await decided(say(thief, "dm", "hi")), "ignore: dm-not-allowed");
      if (!isRestarted) assert.equal(model.requests.length, 0);
      assert.equal(await decided(say(grace, "general", `${mention} hi`)), "accept: mentioned");
    }
  }));
