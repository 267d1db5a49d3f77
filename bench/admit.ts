/**
 * Bench: the time of one message's decision, with a very large config.
 *
 * The config has 100 guilds with 100 channels each, and in every guild its own allowlist of 1,000
 * people, every tenth by name. Half of the channels are listed by id, half by name, and every
 * fourth has its own list. The messages come from listed people and strangers, in channels and
 * threads that are listed and not. So no single branch is warm. The bench runs in Bun, the binary's
 * runtime, in a process of its own.
 *
 * A decision is shorter than the clock's step. So a sample is the mean of a hundred decisions about
 * different messages.
 */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { TEXT_COMMANDS } from "../src/interactions/registry.ts";
import { parseSnowflake, type Snowflake, toAccountId } from "../src/core/discord/ids.ts";
import type { InboundMessage, Sender } from "../src/core/inbound/inbound.ts";
import { prepareAdmission } from "../src/policy/admission.ts";
import type { AccessPolicy, AllowEntry, ChannelRules, GuildRules } from "../src/policy/rules.ts";
import { quantile, type Readings } from "./stats.ts";

const GUILDS = 100;
const CHANNELS = 100;
const PEOPLE = 1_000;
const IN_A_SAMPLE = 100;
const SAMPLES = 5_000;
const STRANGER = 900_000_000;

function id<Kind extends string>(n: number): Snowflake<Kind> {
  const id = parseSnowflake<Kind>(String(1_400_000_000_000_000_000n + BigInt(n)));
  if (!id) throw new RangeError(`No snowflake: ${n}`);
  return id;
}

const guildId = (guild: number) => id<"guild">(guild);
const channelOf = (guild: number, channel: number) => ({
  id: id<"channel">(1_000_000 + guild * CHANNELS + channel),
  name: `Room ${channel}`,
});
const personOf = (guild: number, person: number) => 10_000_000 + guild * PEOPLE + person;

function people(guild: number): readonly AllowEntry[] {
  return Array.from({ length: PEOPLE }, (_, n): AllowEntry => {
    const person = personOf(guild, n);
    return n % 10 === 0
      ? { kind: "name", name: `person.${person}` }
      : { kind: "user", id: id<"user">(person) };
  });
}

function rulesOf(guild: number): GuildRules {
  const users = people(guild);
  const channels: Record<string, ChannelRules> = {};
  for (let n = 0; n < CHANNELS; n++) {
    const key = n % 2 === 0 ? channelOf(guild, n).id : `room-${n}`;
    channels[key] = n % 4 === 0 ? { users: [...users], requireMention: false } : {};
  }
  return { users, channels, reactionNotifications: "own" };
}

/** The rules of the large config. */
function policy(): AccessPolicy {
  const guilds: Record<string, GuildRules> = {};
  for (let n = 0; n < GUILDS; n++) guilds[guildId(n)] = rulesOf(n);
  return {
    dm: { enabled: true, policy: "pairing", allowFrom: people(0), groupEnabled: false },
    groupPolicy: "allowlist",
    groupPolicyRule: "channels.discord.groupPolicy",
    guilds,
    allowBots: false,
    loopGuard: { maxTurns: 6, muteMs: 600_000 },
    asksPluralkit: true,
    commands: { usesAccessGroups: true, texts: true },
    approvers: [],
    tools: { global: {}, agents: [], openGates: [] },
    matchesPattern: (text) => /\b@?barnacle\b/i.test(text),
    agentsNamed: () => [],
    router: { agents: [{ id: "main", rule: "agents.list" }], assigned: [], bindings: [] },
    passive: [],
    patternsIn: () => [],
    dedupWindowMs: 5_000,
    ruleOf: (path) => path,
  };
}

/** The nth of many different messages; the same in every run. */
function messageOf(n: number): InboundMessage {
  const guild = n * 7 % (GUILDS + 1); // one guild is not listed
  const room = n * 13 % (CHANNELS + 5); // and some channels are not
  const channel = channelOf(guild, room);
  const isThread = n % 3 === 0;
  const thread = { id: id<"channel">(50_000_000 + n), name: "a thread" };
  const person = n % 5 === 0 ? STRANGER + n : personOf(guild, n * 31 % PEOPLE);
  const sender: Sender = {
    id: id<"user">(person),
    username: `person.${person}`,
    roles: [{ id: id<"role">(3), name: "Members" }, { id: id<"role">(4), name: "Mods" }],
  };
  return {
    kind: "message",
    accountId: toAccountId("default"),
    id: id<"message">(100_000_000 + n),
    revision: 0,
    channelId: isThread ? thread.id : channel.id,
    guildId: guildId(guild),
    place: {
      kind: "guild",
      guild: { id: guildId(guild), name: `Guild ${guild}` },
      channel,
      ...(isThread && { thread }),
    },
    sender,
    text: "Did you see the krill that I left here this morning?",
    sentAt: 0,
    ...(n % 4 === 0 && { mention: "user" }),
    mentionsOthers: false,
    extras: [],
  };
}

/** Microseconds for each message, and the time of the first message that needs a list. */
function readings(): Readings {
  const messages = Array.from({ length: 20_000 }, (_, n) => messageOf(n));
  const admit = prepareAdmission(policy(), TEXT_COMMANDS);
  const { p50, p99 } = timeDecisions(messages, (message) => admit(message).why);
  return { admitP50: p50, admitP99: p99 };
}

/**
 * Microseconds for each decision. Prints how often each result came, since a bench of one case alone
 * would show nothing.
 */
function timeDecisions(
  messages: readonly InboundMessage[],
  decide: (message: InboundMessage) => string,
): { readonly p50: number; readonly p99: number } {
  const counts = new Map<string, number>();
  for (const message of messages) {
    const result = decide(message);
    counts.set(result, (counts.get(result) ?? 0) + 1);
  }
  console.error(Object.fromEntries(counts));
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from = sample * IN_A_SAMPLE % messages.length;
    const some = messages.slice(from, from + IN_A_SAMPLE);
    const startedAt = performance.now();
    for (const message of some) decide(message);
    samples.push((performance.now() - startedAt) * 1_000 / IN_A_SAMPLE);
  }
  return { p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) };
}

/** Microseconds in Bun for the verdict on one message. */
export function benchAdmit(): Readings {
  const own = fileURLToPath(import.meta.url);
  const bun = fileURLToPath(new URL("../node_modules/.bin/bun", import.meta.url));
  return JSON.parse(execFileSync(bun, ["run", own], { encoding: "utf8" }));
}

if (import.meta.main) {
  console.log(JSON.stringify(readings(), undefined, 1));
}
