/**
 * Bench: the cost of the rights and the policy of one call of the tool `discord`, and the size of its
 * schema.
 *
 * A call needs three decisions: whether the policy opens the target to the asker, whether the asker
 * holds each right there, and whether the bot does. The config is that of `admit.ts`. A usual guild has
 * 30 roles, and its channel 8 overwrites; the largest one has Discord's maximum of 250 roles, 20 of
 * them for the asker and for the bot, and 100 overwrites. Each call has facts of its own, which are
 * known already, as requests to Discord are no part of the figure. The bench runs in Bun, the binary's
 * runtime, in a process of its own.
 */

import process from "node:process";
import type { RoleId } from "../../src/core/discord/ids.ts";
import { PERMISSIONS } from "../../src/core/rights/permissions.ts";
import {
  type GuildFacts,
  type MemberFacts,
  missingRight,
  type Need,
  type PlaceFacts,
} from "../../src/core/rights/rights.ts";
import { openGates } from "../../src/core/tool_names.ts";
import { prepareClosedBy } from "../../src/policy/places.ts";
import { discord } from "../../src/tools/discord/discord.ts";
import { readInBun } from "../stand/in_bun.ts";
import { id, messageOf, policy } from "./admit.ts";
import { quantile, type Readings } from "../stand/stats.ts";

interface Size {
  readonly roles: number;
  readonly rolesOfMember: number;
  readonly overwrites: number;
}
/** Discord's maximum of roles. */
const LARGEST: Size = { roles: 250, rolesOfMember: 20, overwrites: 100 };
const USUAL: Size = { roles: 30, rolesOfMember: 4, overwrites: 8 };
const IN_A_SAMPLE = 100;
const SAMPLES = 2_000;

const roleId = (n: number): RoleId => id<"role">(2_000_000 + n);

/** A guild in which roles grant different permissions, and no one has all of them. */
function guild({ roles }: Size): GuildFacts {
  const bits = Object.values(PERMISSIONS);
  return {
    guildId: id<"guild">(1),
    ownerId: id<"user">(999_999_999),
    roles: Array.from({ length: roles }, (_, n) => ({
      id: n === 0 ? id<"role">(1) : roleId(n),
      name: `role ${n}`,
      position: n,
      isManaged: false,
      permissions: bits.filter((_bit, at) => (at * 7 + n) % 5 === 0).reduce((a, b) => a | b, 0n),
    })),
  };
}

const memberOf = (n: number, { roles, rolesOfMember }: Size): MemberFacts => ({
  userId: id<"user">(10_000_000 + n),
  roles: Array.from(
    { length: rolesOfMember },
    (_, at) => roleId(1 + (n + at * 11) % (roles - 1)),
  ),
});

const placeOf = (n: number, { roles, overwrites }: Size): PlaceFacts => ({
  overwrites: Array.from({ length: overwrites }, (_, at) => ({
    id: at % 2 === 0 ? roleId(1 + (n + at) % (roles - 1)) : id<"user">(10_000_000 + n + at),
    allow: PERMISSIONS["Manage Messages"],
    deny: at % 3 === 0 ? PERMISSIONS["Send Messages"] : 0n,
  })),
  hasSlowmode: n % 2 === 0,
});

function measured(size: Size) {
  const facts = guild(size);
  const { roles } = size;
  const closedBy = prepareClosedBy(policy());
  const callOf = (n: number) => {
    const { channelId, place, sender } = messageOf(n);
    if (place.kind !== "guild") throw new Error("Not in a guild");
    const needs: readonly Need[] = [
      "Read Message History",
      "Manage Messages",
      { kind: "outranks", member: memberOf(n + 1, size) },
      { kind: "above_role", roleId: roleId(1 + n % (roles - 1)) },
    ];
    const target = { channelId, place, sender, isOwner: false };
    return {
      target,
      facts: { ...facts, roles: [...facts.roles] },
      at: placeOf(n, size),
      needs,
      asker: memberOf(n, size),
      bot: memberOf(n + 2, size),
    };
  };
  const counts = new Map<string, number>();
  const decide = ({ target, facts, at, needs, asker, bot }: ReturnType<typeof callOf>): void => {
    const isClosed = closedBy(target) !== undefined;
    const lacks = [asker, bot].map((who) =>
      missingRight(facts, who, at, needs, 0)?.kind ?? "nothing"
    );
    const result = `${isClosed ? "closed" : "open"}, lacks ${lacks.join(" and ")}`;
    counts.set(result, (counts.get(result) ?? 0) + 1);
  };
  const samples: number[] = [];
  let cpuUs = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    // New objects, as each call reads its facts anew: nothing that a call before knew helps.
    const some = Array.from({ length: IN_A_SAMPLE }, (_, at) => callOf(sample * IN_A_SAMPLE + at));
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    for (const call of some) decide(call);
    samples.push((performance.now() - startedAt) * 1_000 / IN_A_SAMPLE);
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuUs += user + system;
  }
  console.error(Object.fromEntries(counts));
  return {
    p50: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
    cpuUs: cpuUs / (SAMPLES * IN_A_SAMPLE),
  };
}

function readings(): Readings {
  const usual = measured(USUAL);
  const largest = measured(LARGEST);
  const tool = discord.withGates?.(openGates({}));
  if (!tool) throw new Error("No gate is open");
  const { name, description, parameters } = tool;
  return {
    rightsP50: usual.p50,
    rightsP99: usual.p99,
    rightsCpuUs: usual.cpuUs,
    largestRightsP50: largest.p50,
    largestRightsP99: largest.p99,
    largestRightsCpuUs: largest.cpuUs,
    schemaChars: JSON.stringify({ name, description, parameters }).length,
  };
}

/** Microseconds in Bun for the decisions about one call, and the characters of its schema. */
export function benchRights(): Readings {
  return readInBun(import.meta.url);
}

if (import.meta.main) {
  console.log(JSON.stringify(readings(), undefined, 1));
}
