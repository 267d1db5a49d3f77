/**
 * Tests the one law of importing: after an import, the bot answers only users that OpenClaw
 * answered.
 *
 * This file implements OpenClaw's behaviour a second time, as plainly as possible, and compares it
 * with the imported config.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { importConfig } from "../../../src/features/openclaw/command.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { slug } from "../../../src/core/names.ts";
import { prepareAdmission } from "../../../src/policy/admission.ts";
import { TEXT_COMMANDS } from "../../../src/interactions/registry.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  roleId,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { load } from "../../config/support.ts";
import { cases } from "../../support/long_form.ts";

type Era = "seed" | "today";

interface Place {
  readonly allow?: boolean | undefined;
  readonly enabled?: boolean | undefined;
  readonly requireMention?: boolean | undefined;
  readonly ignoreOtherMentions?: boolean | undefined;
  readonly users?: readonly string[] | undefined;
  readonly roles?: readonly string[] | undefined;
}

interface Guild extends Place {
  readonly channels?: Readonly<Record<string, Place>> | undefined;
}

interface Discord {
  readonly dm?: undefined | {
    readonly enabled?: boolean | undefined;
    readonly policy?: string | undefined;
    readonly allowFrom?: readonly string[] | undefined;
  };
  readonly groupPolicy?: string | undefined;
  readonly guilds?: Readonly<Record<string, Guild>> | undefined;
  readonly allowBots?: boolean | undefined;
  readonly dangerouslyAllowNameMatching?: boolean | undefined;
}

const USERS = ["1001", "1002"].map((end) => `12345678901234${end}`);
const [ADA = "", BOB = ""] = USERS;
const ROLE = "223456789012345678";
const GUILDS = ["323456789012345671", "323456789012345672"];
const CHANNELS = ["423456789012345671", "423456789012345672"];
const GUILD_NAMES = ["Friends", "My Server"];
const CHANNEL_NAMES = ["help", "dev_ops"];

/** Whether OpenClaw answers. */
function openClaw(discord: Discord, era: Era, message: InboundMessage): boolean {
  const isToday = era === "today";
  if (message.sender.automaton && discord.allowBots !== true) return false;
  const isListed = (list: readonly string[]): boolean =>
    list.some((entry) => {
      if (entry === "*") return true;
      const id = /^(?:<@!?(\d+)>|(?:discord|user):(.*)|(\d+))$/.exec(entry);
      if (id) return [id[1], id[2], id[3]].includes(message.sender.id);
      const takesNames = !isToday || discord.dangerouslyAllowNameMatching === true;
      return takesNames && slug(entry) === slug(message.sender.username);
    });
  if (message.place.kind === "dm") {
    const { enabled = true, policy = "pairing", allowFrom = [] } = discord.dm ?? {};
    if (!enabled || policy === "disabled") return false;
    if (policy === "open" && (!isToday || allowFrom.includes("*"))) return true;
    return isListed(allowFrom);
  }
  if (message.place.kind !== "guild") return false;

  const { guild, channel } = message.place;
  const { groupPolicy = "allowlist", guilds = {} } = discord;
  const own = [guild.id, slug(guild.name), "*"].map((key) => guilds[key])
    .find((found) => found !== undefined);
  if (groupPolicy === "disabled" || (Object.keys(guilds).length > 0 && !own)) return false;
  if (groupPolicy === "allowlist" && !own) return false;
  const { channels } = own ?? {};
  let here: Place = {};
  if (channels && (!isToday || Object.keys(channels).length > 0)) {
    const found = [channel.id, slug(channel.name), channel.name, "*"].map((key) => channels[key])
      .find((place) => place !== undefined);
    if (!found || found.allow === false || found.enabled === false) return false;
    here = found;
  }
  const users = here.users ?? own?.users ?? [];
  const roles = isToday ? here.roles ?? own?.roles ?? [] : [];
  const holds = message.sender.roles.some(({ id }) => roles.includes(id));
  if (users.length + roles.length > 0 && !isListed(users) && !holds) return false;
  if (message.mention) return true;
  if (here.requireMention ?? own?.requireMention ?? true) return false;
  const isQuiet = isToday && (here.ignoreOtherMentions ?? own?.ignoreOtherMentions ?? false);
  return !(isQuiet && message.mentionsOthers);
}

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined });

const people = fc.array(
  fc.constantFrom(
    "*",
    ...[ADA, BOB, `<@${ADA}>`, `<@!${BOB}>`, `discord:${ADA}`, `user:${BOB}`, `user:<@${ADA}>`],
    ...["ada", "BOB", "discord:ada", `role:${ROLE}`, "role:mods", "accessGroup:x", "nobody"],
  ),
  { maxLength: 3 },
);

const place = (era: Era): fc.Arbitrary<Place> =>
  fc.record({
    allow: maybe(fc.boolean()),
    enabled: maybe(fc.boolean()),
    requireMention: maybe(fc.boolean()),
    users: maybe(people),
    ...(era === "today" && {
      ignoreOtherMentions: maybe(fc.boolean()),
      roles: maybe(fc.array(fc.constantFrom(ROLE, "999999999999999999"), { maxLength: 2 })),
    }),
  });

const keys = (ids: readonly string[], names: readonly string[]): fc.Arbitrary<string> =>
  fc.constantFrom("*", ...ids, ...names, ...names.map(slug), ...names.map((name) => `#${name}`));

const discord = (era: Era): fc.Arbitrary<Discord> =>
  fc.record({
    dm: maybe(fc.record({
      enabled: maybe(fc.boolean()),
      policy: maybe(fc.constantFrom("pairing", "allowlist", "open", "disabled")),
      allowFrom: maybe(people),
    })),
    groupPolicy: maybe(fc.constantFrom("allowlist", "open", "open", "disabled")),
    allowBots: maybe(fc.boolean()),
    guilds: maybe(fc.dictionary(
      keys(GUILDS, GUILD_NAMES),
      fc.tuple(
        place(era),
        maybe(fc.dictionary(keys(CHANNELS, CHANNEL_NAMES), place(era), {
          maxKeys: 3,
          noNullPrototype: true,
        })),
      ).map(([{ allow: _, enabled: __, ...rest }, channels]): Guild => ({
        ...rest,
        ...(channels && { channels }),
      })),
      { maxKeys: 3, noNullPrototype: true },
    )),
    ...(era === "today" && { dangerouslyAllowNameMatching: maybe(fc.boolean()) }),
  });

const messages: readonly InboundMessage[] = [
  sender({ id: userId(ADA), username: "ada" }),
  sender({ id: userId(BOB), username: "bob", roles: [{ id: roleId(ROLE), name: "mods" }] }),
  sender({ id: userId("123456789012349999"), username: "eve" }),
  sender({ id: userId("123456789012349998"), username: "robot", automaton: "bot" as const }),
].flatMap((from) => [
  directMessage({ sender: from }),
  ...GUILDS.flatMap((guild, one) =>
    CHANNELS.flatMap((channel, other) => {
      const where = {
        kind: "guild",
        guild: { id: guildId(guild), name: GUILD_NAMES[one] ?? "" },
        channel: { id: channelId(channel), name: CHANNEL_NAMES[other] ?? "" },
      } as const;
      return [
        guildMessage({ place: where, sender: from }),
        guildMessage({ place: where, sender: from, mentionsOthers: true }),
        guildMessage({ place: where, sender: from, mention: "user" }),
      ];
    })
  ),
]);

describe("[C11] the law of importing", () => {
  for (const era of ["seed", "today"] as const) {
    it(`answers only users that OpenClaw answers, for a file of ${era}`, async () => {
      let answered = 0;
      let asked = 0;
      await fc.assert(
        fc.asyncProperty(discord(era), async (written) => {
          const version = era === "seed" ? "2026.2.9" : "2026.9.6";
          const source = JSON.stringify({
            meta: { lastTouchedVersion: version },
            channels: { discord: written },
          });
          const imported = await importConfig(source);
          assert.ok(imported.kind === "imported", JSON.stringify(imported.notes));
          const loaded = await load(imported.text);
          assert.ok(loaded.kind === "loaded", imported.text);
          const [account] = loaded.config.accounts;
          assert.ok(account);
          const admit = prepareAdmission(account.access, TEXT_COMMANDS);
          for (const message of messages) {
            const isAnswered = openClaw(written, era, message);
            asked += isAnswered ? 1 : 0;
            if (admit(message, { isPaired: false }).kind !== "accept") continue;
            answered += 1;
            const { place, sender: { username }, mention, mentionsOthers } = message;
            assert.ok(
              isAnswered,
              JSON.stringify({ place, username, mention, mentionsOthers }) + imported.text,
            );
          }
        }),
        { numRuns: cases(250, 10_000) },
      );
      // The law would also hold for a bot that answers no one.
      assert.ok(answered > asked / 4, `${answered} of ${asked}`);
    });
  }

  it("answers in no guild for a file of today without Discord", async () => {
    for (const rest of ["", "channels: {}", "channels: { telegram: {} }"]) {
      const source = `{ meta: { lastTouchedVersion: "2026.9.6" }, ${rest} }`;
      const imported = await importConfig(source);
      assert.ok(imported.kind === "imported");
      assert.ok(imported.notes.some(({ path }) => path === "channels.discord"), "it is said");
      const loaded = await load(imported.text);
      assert.ok(loaded.kind === "loaded" && loaded.config.accounts[0]);
      const admit = prepareAdmission(loaded.config.accounts[0].access, TEXT_COMMANDS);
      for (const message of messages) {
        assert.notEqual(admit(message, { isPaired: false }).kind, "accept", imported.text);
      }
    }
  });
});

describe("[C11] a large file", () => {
  it("is read as a whole, with a note for each key", async () => {
    const keys = Array.from({ length: 60_000 }, (_, index) => `k${index}: ${index}`);
    const { notes } = await importConfig(`{ ${keys.join(",")} }`);
    assert.equal(notes.filter(({ path }) => path.startsWith("k")).length, keys.length);
  });
});
