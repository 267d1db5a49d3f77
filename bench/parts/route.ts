/**
 * Bench: the time of one message's routing (N2), with 50 agents and 500 bindings.
 *
 * Each agent has two channels, by id and by name. The bindings have every mix of keys, and most of
 * them match no message. The messages come from the people and places of `admit.ts`. Some name an
 * agent, and some are in its thread. The bench runs in Bun, the binary's runtime, in a process of
 * its own.
 *
 * A decision is shorter than the clock's step. So a sample is the mean of a hundred decisions about
 * different messages.
 */

import { prepareRouter } from "../../src/policy/router.ts";
import type { BindingMatch, RouterRules } from "../../src/policy/rules/rules.ts";
import { toAccountId } from "../../src/core/discord/ids.ts";
import { id, messageOf, timeDecisions } from "./admit.ts";
import { readInBun } from "../stand/in_bun.ts";
import type { Readings } from "../stand/stats.ts";

const AGENTS = 50;
const BINDINGS = 500;

const agentOf = (n: number) => `agent-${n % AGENTS}`;

/** A match with the keys of a number's bits, and values that some messages have. */
function matchOf(n: number): BindingMatch {
  return {
    accountId: n & 1 ? toAccountId(n % 3 === 0 ? "default" : "work") : undefined,
    guildId: n & 2 ? id<"guild">(n % 150) : undefined,
    channelId: n & 4 ? id<"channel">(1_000_000 + n * 37) : undefined,
    userId: n & 8 ? id<"user">(10_000_000 + n * 61) : undefined,
  };
}

function rules(): RouterRules {
  const ids = Array.from({ length: AGENTS - 1 }, (_, n) => agentOf(n + 1));
  const agent = (id: string) => ({ id, rule: "agents.list" });
  return {
    agents: [agent(agentOf(0)), ...ids.map(agent)],
    assigned: ids.flatMap((agentId, n) =>
      [id<"channel">(1_000_000 + n * 211), `room-${n + 60}`].map((channel) => ({
        agentId,
        channel,
        rule: "router.assignments",
      }))
    ),
    bindings: Array.from({ length: BINDINGS }, (_, n) => ({
      agentId: agentOf(n),
      match: matchOf(n),
      rule: "bindings",
    })).filter(({ match }) => Object.values(match).some((value) => value !== undefined)),
  };
}

/** Microseconds for each message. */
function readings(): Readings {
  const choose = prepareRouter(rules());
  const messages = Array.from({ length: 20_000 }, (_, n) => ({
    ...messageOf(n),
    named: n % 17 === 0 ? [agentOf(n)] : undefined,
    threadAgent: n % 19 === 0 ? agentOf(n) : undefined,
  }));
  const { p50, p99 } = timeDecisions(messages, (message) => choose(message).rule);
  return { routeP50: p50, routeP99: p99 };
}

/** Microseconds in Bun for the routing of one message. */
export function benchRoute(): Readings {
  return readInBun(import.meta.url);
}

if (import.meta.main) {
  console.log(JSON.stringify(readings(), undefined, 1));
}
