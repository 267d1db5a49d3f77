/**
 * Loads thousands of slips in a valid config. Each one is reported with its place, or loads as
 * written: a second, independent reader of the text must agree.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createScanner, parse, type ParseError } from "jsonc-parser";
import type { LoadedConfig } from "../../src/config/load.ts";
import type { AccessPolicy } from "../../src/policy/rules/rules.ts";
import { seeded } from "../support/seeded.ts";
import { load } from "./support.ts";
import { cases } from "../support/long_form.ts";

const EDITS = cases(200, 100_000);
const SEED = 20_261_120;

const VALID = `// The bot of two servers.
{
  "channels": {
    "discord": {
      "token": "\${BOT}", // in the unit
      "groupPolicy": "allowlist",
      "dm": {
        "policy": "allowlist",
        "allowFrom": ["123456789012345678", "<@123456789012345679>", "ada"],
        "groupEnabled": true,
        "groupChannels": ["channel:123456789012345670", "book-club"],
      },
      "guilds": {
        "123456789012345671": {
          "slug": "friends",
          "users": ["123456789012345678", "role:Mods", "user:123456789012345672"],
          "requireMention": true,
          "channels": {
            "help": { "requireMention": false, "users": ["role:123456789012345673"] },
            "secret": { "allow": false },
            "*": { "enabled": true },
          },
        },
        "friends-server": { "channels": {} },
      },
      "allowBots": false,
      "loopGuard": { "maxTurns": 4, "muteMin": 5 },
      "accounts": {
        "work": {
          "token": "\${WORK}",
          "dm": { "policy": "disabled" },
          "guilds": { "123456789012345671": { "users": [] } },
        },
        "quiet": { "enabled": false, "groupPolicy": "disabled", "allowBots": true },
      },
    },
  },
  /* who may do what */
  "commands": { "ownerAllowFrom": ["123456789012345678"] },
  "session": { "dmScope": "per-peer" },
}
`;

/** Values of one kind in the text, and others of that kind. */
const KINDS: readonly (readonly [kind: RegExp, others: readonly string[]])[] = [
  [/^"(?:allowlist|disabled|open|pairing)"$/, ['"allowlist"', '"open"', '"disabled"', '"pairing"']],
  [/^(?:true|false)$/, ["true", "false"]],
  [/^"(?:[<\d*]|role:|user:|ada)/, [
    '"*"',
    '"role:*"',
    '"1"',
    '"Ada"',
    '" * "',
    '"pk:*"',
    '"<@*>"',
  ]],
  [/^"(?:help|secret|friends|book-club|work)"/, ['"*"', '"help"', '"default"', '"ada"']],
];

const env = { BOT: "one", WORK: "two" };

/** Makes texts with some tokens or characters removed, doubled, swapped or replaced. */
function createSlips(random: () => number): () => string {
  const pick = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)]!;
  const tokens: string[] = [];
  const scanner = createScanner(VALID, false);
  for (let kind: number = scanner.scan(); kind !== 17; kind = scanner.scan()) {
    const offset = scanner.getTokenOffset();
    tokens.push(VALID.slice(offset, offset + scanner.getTokenLength()));
  }
  assert.equal(tokens.join(""), VALID);
  const odd = [
    ...["*", '"*"', '"open"', '"pairing"', '"disabled"', "null", "true", "false", "[]", "{}", "0"],
    ...['""', '" "', '["*"]', "-1", "1e999", "123456789012345678", '"discord:ada"', '"default"'],
    ...['"__proto__"', '"constructor"', '"users"', '"allow"', '"enabled"', '"guilds"', "\u0000"],
    ...["{", "}", "[", "]", ",", ":", '"', "'", "//", "/*", "*/", "\\", "\n", "\u202e", "\ud800"],
  ];
  const at = (list: readonly unknown[]): number => Math.floor(random() * list.length);

  function slip(parts: string[]): void {
    const here = at(parts);
    const there = at(parts);
    const part = parts[here] ?? "";
    switch (Math.floor(random() * 5)) {
      case 0:
        return void parts.splice(here, 1 + Math.floor(random() * 3));
      case 1:
        return void parts.splice(here, 0, pick(odd));
      case 2:
        return void parts.splice(here, 1, pick(odd));
      case 3:
        return void ([parts[here], parts[there]] = [parts[there] ?? "", part]);
      case 4:
        return void parts.splice(there, 0, part);
    }
  }

  /** Replaces a value by another of its kind, so that the result often loads. */
  function mixUp(parts: string[]): void {
    const [kind, others] = pick(KINDS);
    const places = [...parts.keys()].filter((index) => kind.test(parts[index] ?? ""));
    const [here, there] = [pick(places), pick(places)];
    const value = parts[there] ?? "";
    if (random() < 0.3) parts[there] = parts[here] ?? "";
    parts[here] = random() < 0.6 ? pick(others) : value;
  }

  return () => {
    const way = random();
    const parts = way < 0.7 ? [...tokens] : VALID.split("");
    const change = way < 0.4 ? mixUp : slip;
    for (let count = 1 + Math.floor(random() * random() * 4); count > 0; count -= 1) change(parts);
    return parts.join("");
  };
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const object = (value: unknown): Json => isObject(value) ? value : {};
const list = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) ? value.map(String) : undefined;

/** Own keys over inherited ones, as C6 says. */
function over(above: Json, own: Json): Json {
  const pairs = Object.entries(own).map(([key, value]) => {
    const base = Object.hasOwn(above, key) ? above[key] : undefined;
    return [key, isObject(base) && isObject(value) ? over(base, value) : value] as const;
  });
  return { ...above, ...Object.fromEntries(pairs) };
}

/** An entry as one text, so that two readings can be compared. */
function person(written: string): string {
  const entry = written.trim();
  const id = /^(?:<@!?(\d+)>|(?:user:|discord:)?(\d+))$/.exec(entry);
  if (entry === "*") return "anyone";
  if (id) return `user ${id[1] ?? id[2]}`;
  const role = /^role:(.+)$/s.exec(entry)?.[1];
  if (role) return `${/^[1-9]\d{0,18}$/.test(role) ? "role" : "role_name"} ${role}`;
  const member = /^pk:(.+)$/s.exec(entry)?.[1];
  return member ? `pluralkit ${member}` : `name ${entry.replace(/^@/, "")}`;
}

function group(written: string): string {
  const entry = written.trim();
  const id = /^(?:channel:)?(\d+)$/.exec(entry)?.[1];
  return entry === "*" ? "any" : id ? `channel ${id}` : `name ${entry}`;
}

const people = (value: unknown) => list(value)?.map(person);

/** The access rules of a text, by account; a second reader. */
function secondReading(text: string): Json {
  const errors: ParseError[] = [];
  const file = object(parse(text.replace(/^\uFEFF/, ""), errors, { allowTrailingComma: true }));
  assert.deepEqual(errors, [], "a text with a fault was loaded");
  const channels = object(file["channels"]);
  const section = channels["discord"];
  const { accounts, token, ...above } = object(section);
  const sections = new Map(
    Object.entries(object(accounts)).map(([name, own]) => [name.toLowerCase(), object(own)]),
  );
  const has = sections.has("default") || token !== undefined || sections.size === 0;
  const ids = [...new Set([...(has ? ["default"] : []), ...sections.keys()])];
  return Object.fromEntries(ids.map((id) => {
    const account = over(above, sections.get(id) ?? {});
    const dm = object(account["dm"]);
    const guard = object(account["loopGuard"]);
    const guilds = account["guilds"];
    const fallback = object(channels["defaults"])["groupPolicy"];
    return [id, {
      enabled: account["enabled"] ?? true,
      dm: [dm["enabled"] ?? true, dm["policy"] ?? "pairing", people(dm["allowFrom"]) ?? []],
      groups: [dm["groupEnabled"] ?? false, list(dm["groupChannels"])?.map(group)],
      groupPolicy: section === undefined
        ? fallback ?? "open"
        : account["groupPolicy"] ?? "allowlist",
      bots: [account["allowBots"] ?? false, guard["maxTurns"] ?? 6, guard["muteMin"] ?? 10],
      pluralkit: object(account["pluralkit"])["enabled"] ?? false,
      owners: people(object(file["commands"])["ownerAllowFrom"]),
      useGroups: object(file["commands"])["useAccessGroups"] ?? true,
      guilds: guilds === undefined ? undefined : placesIn(guilds, (guild) => ({
        channels: guild["channels"] === undefined ? undefined : placesIn(guild["channels"]),
      })),
    }];
  }));
}

function placesIn(places: unknown, more: (place: Json) => object = () => ({})): Json {
  return Object.fromEntries(
    Object.entries(object(places)).map(([key, value]) => {
      const place = object(value);
      const { allow, enabled, requireMention, users } = place;
      return [key, { allow, enabled, requireMention, users: people(users), ...more(place) }];
    }),
  );
}

function firstReading({ config }: LoadedConfig): Json {
  return Object.fromEntries(config.accounts.map(({ accountId, enabled, access }) => [
    accountId,
    { enabled, ...plain(access) },
  ]));
}

function plain({ dm, groupPolicy, guilds, allowBots, loopGuard, ...more }: AccessPolicy): Json {
  const words = (entry: object): string => Object.values(entry).join(" ");
  const places = (record: Readonly<Record<string, object>> = {}) =>
    Object.fromEntries(
      Object.entries(record).map(([key, rules]) => {
        const { allow, enabled, requireMention, users, channels }: Json = { ...rules };
        return [key, {
          allow,
          enabled,
          requireMention,
          users: Array.isArray(users) ? users.map(words) : undefined,
          ...(channels !== undefined && { channels }),
        }];
      }),
    );
  return {
    dm: [dm.enabled, dm.policy, dm.allowFrom.map(words)],
    groups: [dm.groupEnabled, dm.groupChannels?.map(words)],
    groupPolicy,
    bots: [allowBots, loopGuard.maxTurns, loopGuard.muteMs / 60_000],
    pluralkit: more.asksPluralkit,
    owners: more.commands.owners?.map(words),
    useGroups: more.commands.usesAccessGroups,
    guilds: guilds && Object.fromEntries(
      Object.entries(places(guilds)).map(([key, rules]) => {
        const { channels } = guilds[key] ?? {};
        return [key, { ...rules, channels: channels && places(channels) }];
      }),
    ),
  };
}

describe("[C2] [P1] a config with a slip", () => {
  it("loads as written without a slip", async () => {
    const loaded = await load(VALID, { env });
    assert.ok(loaded.kind === "loaded", JSON.stringify(loaded.problems));
    assert.deepEqual(firstReading(loaded), secondReading(VALID));
    assert.deepEqual(Object.keys(firstReading(loaded)), ["default", "work", "quiet"]);
  });

  it(`is refused with file, line, column and reason, or loads as written, for ${EDITS} slips`, async () => {
    const slip = createSlips(seeded(SEED).random);
    let taken = 0;
    for (let count = 0; count < EDITS; count += 1) {
      const text = slip();
      const loaded = await load(text, { env });
      if (loaded.kind === "loaded") {
        taken += 1;
        assert.deepEqual(firstReading(loaded), secondReading(text), text);
        continue;
      }
      const errors = loaded.problems.filter(({ severity }) => severity === "error");
      assert.ok(errors.length > 0, text);
      for (const { file, line, column, message } of errors) {
        assert.equal(file, "config.jsonc");
        assert.ok(line !== undefined && line > 0 && column !== undefined && column > 0, text);
        assert.notEqual(message, "");
      }
    }
    assert.ok(taken > EDITS / 10, `only ${taken} were taken`);
  });
});
